"""The house itself: its walls, its documents, its examples and units."""
