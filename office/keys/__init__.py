"""Keys: what signs, and files of other people's keys."""
