"""What `titik-central` prints."""
