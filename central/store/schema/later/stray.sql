-- An epoch that came into quarantine on the topic of a point, and says of itself that it is its owner's.
CREATE TABLE IF NOT EXISTS stray (
    point TEXT NOT NULL,
    epoch TEXT NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (point, epoch)
) STRICT, WITHOUT ROWID;
