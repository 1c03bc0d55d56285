"""The centre: its rows, what it takes and answers, and what its operator sees."""
