"""The commands of `titik` beside `run`."""
