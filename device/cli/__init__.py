"""The commands of `titik`: a file each, which adds itself."""
