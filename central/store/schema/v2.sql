-- Times corrected, what was purged, what lies in quarantine, and what a station no longer has.
ALTER TABLE event ADD COLUMN boot TEXT;
ALTER TABLE event ADD COLUMN uptime REAL;
ALTER TABLE event ADD COLUMN synced INTEGER;
ALTER TABLE event ADD COLUMN at TEXT;
ALTER TABLE event ADD COLUMN earliest TEXT;
ALTER TABLE event ADD COLUMN latest TEXT;
CREATE INDEX event_boot ON event (point, boot, uptime) WHERE synced = 0;
CREATE TABLE clock (
    point TEXT NOT NULL,
    boot TEXT NOT NULL,
    uptime REAL NOT NULL,
    offset REAL NOT NULL,
    PRIMARY KEY (point, boot, uptime)
) STRICT;
CREATE TABLE purged (
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    point TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (source, id)
) STRICT;
CREATE INDEX purged_place ON purged (point, epoch, seq);
CREATE TABLE unread (
    point TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (point, epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE lost (
    point TEXT NOT NULL,
    epoch TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    told TEXT NOT NULL,
    PRIMARY KEY (point, epoch, first, last)
) STRICT;
PRAGMA user_version = 2;
