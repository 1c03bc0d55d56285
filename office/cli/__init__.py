"""The commands of `titik-office`: a file each."""
