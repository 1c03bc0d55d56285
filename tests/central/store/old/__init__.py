"""Databases that older centres wrote, as statements, and what today's makes of each."""
