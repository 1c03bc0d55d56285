-- What was done to the database by hand, and each backup.
CREATE TABLE IF NOT EXISTS audit (
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    told TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS audit_is_not_changed BEFORE UPDATE ON audit BEGIN
    SELECT raise(ABORT, 'audit lines are only ever added');
END;
CREATE TRIGGER IF NOT EXISTS audit_is_not_deleted BEFORE DELETE ON audit BEGIN
    SELECT raise(ABORT, 'audit lines are only ever added');
END;
