-- A quarantined message that somebody looked at: as whose events it was taken (nothing: only seen), how many of its
-- events are that point's, and how many are nobody's still.
CREATE TABLE IF NOT EXISTS released (
    topic TEXT NOT NULL,
    digest TEXT NOT NULL,
    point TEXT NOT NULL,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    taken INTEGER NOT NULL,
    "left" INTEGER NOT NULL,
    PRIMARY KEY (topic, digest, point)
) STRICT, WITHOUT ROWID;
