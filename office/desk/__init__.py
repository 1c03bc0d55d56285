"""The desk's folder: the book of its keys, other people's keys, and the log of what was issued."""
