"""The world around the programs, and what tests make of it: brokers, points, credentials, codes."""
