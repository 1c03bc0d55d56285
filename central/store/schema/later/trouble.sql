-- What is out of order and not seen in the rows themselves.
CREATE TABLE IF NOT EXISTS trouble (
    point TEXT NOT NULL,
    word TEXT NOT NULL,
    told TEXT NOT NULL,
    since TEXT NOT NULL,
    seen TEXT NOT NULL,
    PRIMARY KEY (point, word)
) STRICT, WITHOUT ROWID;
