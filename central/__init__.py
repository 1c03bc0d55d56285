"""The centre: broker in, database on disk, receipt out; and what is held, for whoever asks."""
