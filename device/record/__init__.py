"""What was seen, on the disk before anybody is told: the event and the outbox."""
