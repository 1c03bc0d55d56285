"""What the station answers at its local socket."""
