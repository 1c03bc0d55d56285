-- Where events stand that lie in quarantine; the very first files of version 2 had it not.
CREATE TABLE IF NOT EXISTS unread (
    point TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (point, epoch, seq)
) STRICT, WITHOUT ROWID;
