"""Bytes from strangers to a token that nobody believes yet."""
