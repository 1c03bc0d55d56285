"""All programs together, as processes, over a real broker."""
