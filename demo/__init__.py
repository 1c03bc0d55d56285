"""An office on one machine: seven stations, a broker and the centre, shown pictures that the demo's own desk signs."""
