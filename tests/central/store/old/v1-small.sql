-- What titik-central of version 1 (70f9393) wrote; made by that program, and kept as it is.
PRAGMA application_id = 1953068131;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
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
INSERT INTO "event" VALUES('/titik/bupati-1','2596099975388610bfae980ee5db6b7c','bupati-1','7f3a9c1e',1,'2026-11-22T01:02:03.456Z','admit','green','two-doses',0,0,'{"data":{"clock":{"boot":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","synced":true,"uptime":5123.4},"colour":"green","direction":"in","epoch":"7f3a9c1e","holder":"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f","outcome":"admit","point":"bupati-1","reason":"two-doses","repeat":false,"seq":1,"simulated":false},"datacontenttype":"application/json","id":"2596099975388610bfae980ee5db6b7c","source":"/titik/bupati-1","specversion":"1.0","time":"2026-11-22T01:02:03.456Z","type":"id.titik.scan"}','2026-11-22T01:02:03.456Z');
INSERT INTO "event" VALUES('/titik/bupati-1','7aa5f4aae4cbe7e74f6056d9eaa18356','bupati-1','7f3a9c1e',2,'2026-11-22T01:02:03.456Z','admit','green','two-doses',0,0,'{"data":{"clock":{"boot":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","synced":true,"uptime":5123.4},"colour":"green","direction":"in","epoch":"7f3a9c1e","holder":"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f","outcome":"admit","point":"bupati-1","reason":"two-doses","repeat":false,"seq":2,"simulated":false},"datacontenttype":"application/json","id":"7aa5f4aae4cbe7e74f6056d9eaa18356","source":"/titik/bupati-1","specversion":"1.0","time":"2026-11-22T01:02:03.456Z","type":"id.titik.scan"}','2026-11-22T01:02:03.456Z');
INSERT INTO "event" VALUES('/titik/dprd-1','bb324e0fe6ac55bc953922c20161eac8','dprd-1','11aa22bb',1,'2026-11-22T01:02:03.456Z','refuse','red','expired',0,0,'{"data":{"clock":{"boot":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","synced":true,"uptime":5123.4},"colour":"red","direction":"in","epoch":"11aa22bb","holder":"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f","outcome":"refuse","point":"dprd-1","reason":"expired","repeat":false,"seq":1,"simulated":false},"datacontenttype":"application/json","id":"bb324e0fe6ac55bc953922c20161eac8","source":"/titik/dprd-1","specversion":"1.0","time":"2026-11-22T01:02:03.456Z","type":"id.titik.scan"}','2026-11-22T01:03:03.456Z');
INSERT INTO "event" VALUES('/titik/bupati-1','7d9f31c8e62e2e3cee8b0f089b9cb31d','bupati-1','7f3a9c1e',4,'2026-11-22T01:02:03.456Z','admit','green','two-doses',1,0,'{"data":{"clock":{"boot":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","synced":true,"uptime":5123.4},"colour":"green","direction":"in","epoch":"7f3a9c1e","holder":"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f","outcome":"admit","point":"bupati-1","reason":"two-doses","repeat":true,"seq":4,"simulated":false},"datacontenttype":"application/json","id":"7d9f31c8e62e2e3cee8b0f089b9cb31d","source":"/titik/bupati-1","specversion":"1.0","time":"2026-11-22T01:02:03.456Z","type":"id.titik.scan"}','2026-11-22T01:04:03.456Z');
CREATE TABLE life (
    centre TEXT PRIMARY KEY,
    made TEXT NOT NULL
) STRICT;
INSERT INTO "life" VALUES('5eed0f01d5eed0f0','2026-11-22T01:02:03.456Z');
CREATE TABLE quarantine (
    topic TEXT NOT NULL,
    bytes BLOB NOT NULL,
    digest TEXT NOT NULL,
    why TEXT NOT NULL,
    received TEXT NOT NULL,
    PRIMARY KEY (topic, digest)
) STRICT;
CREATE TABLE said (
    point TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (point, epoch)
) STRICT;
INSERT INTO "said" VALUES('bupati-1','7f3a9c1e',4);
CREATE TABLE station (
    point TEXT PRIMARY KEY,
    state TEXT,
    info TEXT,
    health TEXT,
    seen TEXT
) STRICT;
INSERT INTO "station" VALUES('bupati-1','{"boot":"b1","epoch":"7f3a9c1e","seq":2,"state":"offline"}','{"bundle":3,"version":"0.1.0"}','{"clock":{"synced":true},"epoch":"7f3a9c1e","owed":1,"seq":4}','2026-11-22T01:04:03.456Z');
INSERT INTO "station" VALUES('dprd-1',NULL,NULL,NULL,'2026-11-22T01:03:03.456Z');
CREATE INDEX event_place ON event (point, epoch, seq);
CREATE INDEX event_time ON event (point, time);
COMMIT;
