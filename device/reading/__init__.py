"""What `device.scanner` is made of: the decoders, their attempts, and which code in view is meant."""
