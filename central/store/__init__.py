"""The database: what is held, what is missing, and what was done to it by hand."""
