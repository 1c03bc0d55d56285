"""The tests, by the rooms of what they try; `support` for what stands around it."""
