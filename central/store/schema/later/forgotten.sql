-- Points that somebody forgot, and that were not heard since.
CREATE TABLE IF NOT EXISTS forgotten (
    point TEXT PRIMARY KEY,
    at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
