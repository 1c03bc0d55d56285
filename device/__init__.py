"""Titik, the station on the wall: a code held up becomes a light, a record and an event."""

__version__ = "0.1.0"
