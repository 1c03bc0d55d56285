-- The boots of which events are still to be dated: those after an uptime, or of it and after a row, until another.
CREATE TABLE IF NOT EXISTS mend (
    point TEXT NOT NULL,
    boot TEXT NOT NULL,
    uptime REAL NOT NULL,
    row INTEGER NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (point, boot)
) STRICT, WITHOUT ROWID;
