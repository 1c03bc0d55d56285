"""Outbox to broker to centre, and back: the courier, and what it says and is asked."""
