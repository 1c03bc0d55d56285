CREATE TABLE life (
    centre TEXT PRIMARY KEY,
    made TEXT NOT NULL
) STRICT;
CREATE TABLE event (
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    point TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    time TEXT,
    outcome TEXT,
    colour TEXT,
    reason TEXT,
    repeat INTEGER NOT NULL,
    simulated INTEGER NOT NULL,
    body TEXT NOT NULL,
    received TEXT NOT NULL,
    PRIMARY KEY (source, id)
) STRICT;
CREATE INDEX event_place ON event (point, epoch, seq);
CREATE INDEX event_time ON event (point, time);
CREATE TABLE quarantine (
    topic TEXT NOT NULL,
    bytes BLOB NOT NULL,
    digest TEXT NOT NULL,
    why TEXT NOT NULL,
    received TEXT NOT NULL,
    PRIMARY KEY (topic, digest)
) STRICT;
CREATE TABLE station (
    point TEXT PRIMARY KEY,
    state TEXT,
    info TEXT,
    health TEXT,
    seen TEXT
) STRICT;
CREATE TABLE said (
    point TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (point, epoch)
) STRICT;
-- "titc", so that nobody's other database is ever taken for ours.
PRAGMA application_id = 0x74697463;
PRAGMA user_version = 1;
