"""One file of tests for each room, `world` for what stands around them."""
