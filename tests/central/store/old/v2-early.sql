-- What titik-central of an early version 2 (c581bde) wrote; made by that program, and kept as it is.
PRAGMA application_id = 1953068131;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE clock (point TEXT NOT NULL, boot TEXT NOT NULL, uptime REAL NOT NULL, offset REAL NOT NULL, PRIMARY KEY (point, boot, uptime)) STRICT;
INSERT INTO "clock" VALUES('bupati-1','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',20.0,1795309323.456);
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
    received TEXT NOT NULL, boot TEXT, uptime REAL, synced INTEGER, at TEXT, earliest TEXT, latest TEXT,
    PRIMARY KEY (source, id)
) STRICT;
INSERT INTO "event" VALUES('/titik/bupati-1','2596099975388610bfae980ee5db6b7c','bupati-1','7f3a9c1e',1,'2026-11-22T01:02:03.456Z','admit','green','two-doses',0,0,'{"data":{"clock":{"boot":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","synced":true,"uptime":5123.4},"colour":"green","direction":"in","epoch":"7f3a9c1e","holder":"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f","outcome":"admit","point":"bupati-1","reason":"two-doses","repeat":false,"seq":1,"simulated":false},"datacontenttype":"application/json","id":"2596099975388610bfae980ee5db6b7c","source":"/titik/bupati-1","specversion":"1.0","time":"2026-11-22T01:02:03.456Z","type":"id.titik.scan"}','2026-11-22T01:02:03.456Z','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',5123.4,1,'2026-11-22T01:02:03.456Z',NULL,NULL);
INSERT INTO "event" VALUES('/titik/bupati-1','7aa5f4aae4cbe7e74f6056d9eaa18356','bupati-1','7f3a9c1e',2,'2026-11-22T01:02:03.456Z','admit','green','two-doses',0,0,'{"data":{"clock":{"boot":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","synced":true,"uptime":5123.4},"colour":"green","direction":"in","epoch":"7f3a9c1e","holder":"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f","outcome":"admit","point":"bupati-1","reason":"two-doses","repeat":false,"seq":2,"simulated":false},"datacontenttype":"application/json","id":"7aa5f4aae4cbe7e74f6056d9eaa18356","source":"/titik/bupati-1","specversion":"1.0","time":"2026-11-22T01:02:03.456Z","type":"id.titik.scan"}','2026-11-22T01:02:03.456Z','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',5123.4,1,'2026-11-22T01:02:03.456Z',NULL,NULL);
INSERT INTO "event" VALUES('/titik/bupati-1','1f1d4627f8e7f556613c2187f291c321','bupati-1','7f3a9c1e',3,'2026-11-22T01:02:03.456Z','admit','green','two-doses',0,0,'{"data":{"clock":{"boot":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","synced":true,"uptime":5123.4},"colour":"green","direction":"in","epoch":"7f3a9c1e","holder":"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f","outcome":"admit","point":"bupati-1","reason":"two-doses","repeat":false,"seq":3,"simulated":false},"datacontenttype":"application/json","id":"1f1d4627f8e7f556613c2187f291c321","source":"/titik/bupati-1","specversion":"1.0","time":"2026-11-22T01:02:03.456Z","type":"id.titik.scan"}','2026-11-22T01:02:03.456Z','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',5123.4,1,'2026-11-22T01:02:03.456Z',NULL,NULL);
INSERT INTO "event" VALUES('/titik/bupati-1','7d9f31c8e62e2e3cee8b0f089b9cb31d','bupati-1','7f3a9c1e',4,'2026-11-22T01:02:03.456Z','admit','green','two-doses',0,0,'{"data":{"clock":{"boot":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","synced":false,"uptime":10.0},"colour":"green","direction":"in","epoch":"7f3a9c1e","holder":"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f","outcome":"admit","point":"bupati-1","reason":"two-doses","repeat":false,"seq":4,"simulated":false},"datacontenttype":"application/json","id":"7d9f31c8e62e2e3cee8b0f089b9cb31d","source":"/titik/bupati-1","specversion":"1.0","time":"2026-11-22T01:02:03.456Z","type":"id.titik.scan"}','2026-11-22T01:02:03.456Z','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',10.0,0,'2026-11-22T01:02:13.456Z',NULL,NULL);
INSERT INTO "event" VALUES('/titik/bupati-1','d626bc425e8dd880e69e2d453c1db089','bupati-1','7f3a9c1e',5,'2026-11-22T01:02:03.456Z','admit','green','two-doses',0,0,'{"data":{"clock":{"boot":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","floor":"2026-11-20T01:02:03.456Z","synced":false,"uptime":30.0},"colour":"green","direction":"in","epoch":"7f3a9c1e","holder":"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f","outcome":"admit","point":"bupati-1","reason":"two-doses","repeat":false,"seq":5,"simulated":false},"datacontenttype":"application/json","id":"d626bc425e8dd880e69e2d453c1db089","source":"/titik/bupati-1","specversion":"1.0","time":"2026-11-22T01:02:03.456Z","type":"id.titik.scan"}','2026-11-22T01:02:03.456Z','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',30.0,0,NULL,'2026-11-20T01:02:03.456Z','2026-11-22T01:02:03.456Z');
INSERT INTO "event" VALUES('/titik/bupati-1','942f26e87e064b3de76ab060f70c549b','bupati-1','7f3a9c1e',6,'2026-11-22T01:02:03.456Z',NULL,NULL,NULL,0,0,'{"data":{"clock":{"boot":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","synced":true,"uptime":20.0},"epoch":"7f3a9c1e","offset":1795309323.456,"point":"bupati-1","seq":6},"datacontenttype":"application/json","id":"942f26e87e064b3de76ab060f70c549b","source":"/titik/bupati-1","specversion":"1.0","time":"2026-11-22T01:02:03.456Z","type":"id.titik.clock"}','2026-11-22T01:03:03.456Z','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',20.0,1,'2026-11-22T01:02:03.456Z',NULL,NULL);
INSERT INTO "event" VALUES('/titik/bupati-1','aa724ecfb85a1e9edec7251195f3c3c9','bupati-1','7f3a9c1e',9,'2026-11-22T01:02:03.456Z','admit','green','two-doses',0,0,'{"data":{"clock":{"boot":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","synced":true,"uptime":5123.4},"colour":"green","direction":"in","epoch":"7f3a9c1e","holder":"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f","outcome":"admit","point":"bupati-1","reason":"two-doses","repeat":false,"seq":9,"simulated":false},"datacontenttype":"application/json","id":"aa724ecfb85a1e9edec7251195f3c3c9","source":"/titik/bupati-1","specversion":"1.0","time":"2026-11-22T01:02:03.456Z","type":"id.titik.scan"}','2026-11-22T01:03:03.456Z','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',5123.4,1,'2026-11-22T01:02:03.456Z',NULL,NULL);
INSERT INTO "event" VALUES('/titik/bupati-1','039eea542af7b3cc574aee8a97b5e66f','bupati-1','old',13,'2026-11-22T01:02:03.456Z','admit','green','two-doses',0,0,'{"data":{"clock":{"boot":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","synced":true,"uptime":5123.4},"colour":"green","direction":"in","epoch":"old","holder":"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f","outcome":"admit","point":"bupati-1","reason":"two-doses","repeat":false,"seq":13,"simulated":false},"datacontenttype":"application/json","id":"039eea542af7b3cc574aee8a97b5e66f","source":"/titik/bupati-1","specversion":"1.0","time":"2026-11-22T01:02:03.456Z","type":"id.titik.scan"}','2026-11-22T01:03:03.456Z','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',5123.4,1,'2026-11-22T01:02:03.456Z',NULL,NULL);
INSERT INTO "event" VALUES('/titik/dprd-1','bb324e0fe6ac55bc953922c20161eac8','dprd-1','11aa22bb',1,'2026-11-22T01:02:03.456Z','admit','green','two-doses',0,0,'{"data":{"clock":{"boot":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","synced":true,"uptime":5123.4},"colour":"green","direction":"in","epoch":"11aa22bb","holder":"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f","outcome":"admit","point":"dprd-1","reason":"two-doses","repeat":false,"seq":1,"simulated":false},"datacontenttype":"application/json","id":"bb324e0fe6ac55bc953922c20161eac8","source":"/titik/dprd-1","specversion":"1.0","time":"2026-11-22T01:02:03.456Z","type":"id.titik.scan"}','2026-11-22T01:05:03.456Z','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',5123.4,1,'2026-11-22T01:02:03.456Z',NULL,NULL);
CREATE TABLE life (
    centre TEXT PRIMARY KEY,
    made TEXT NOT NULL
) STRICT;
INSERT INTO "life" VALUES('5eed0f01d5eed0f0','2026-11-22T01:02:03.456Z');
CREATE TABLE lost (point TEXT NOT NULL, epoch TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, told TEXT NOT NULL, PRIMARY KEY (point, epoch, first, last)) STRICT;
INSERT INTO "lost" VALUES('bupati-1','7f3a9c1e',7,8,'2026-11-22T02:02:03.456Z');
CREATE TABLE purged (source TEXT NOT NULL, id TEXT NOT NULL, point TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (source, id)) STRICT;
INSERT INTO "purged" VALUES('/titik/bupati-1','5a673347acb0ad2109da83317e51a79f','bupati-1','old',12);
CREATE TABLE quarantine (
    topic TEXT NOT NULL,
    bytes BLOB NOT NULL,
    digest TEXT NOT NULL,
    why TEXT NOT NULL,
    received TEXT NOT NULL,
    PRIMARY KEY (topic, digest)
) STRICT;
INSERT INTO "quarantine" VALUES('titik/v1/bupati-1/event',X'7B2264617461223A7B22636C6F636B223A7B22626F6F74223A226262626262626262626262626262626262626262626262626262626262626262222C2273796E636564223A747275652C22757074696D65223A353132332E347D2C22636F6C6F7572223A22677265656E222C22646972656374696F6E223A22696E222C2265706F6368223A223766336139633165222C22686F6C646572223A223966396639663966396639663966396639663966396639663966396639663966222C226F7574636F6D65223A2261646D6974222C22706F696E74223A226275706174692D31222C22726561736F6E223A2274776F2D646F736573222C22726570656174223A66616C73652C22736571223A39312C2273696D756C61746564223A66616C73657D2C2264617461636F6E74656E7474797065223A226170706C69636174696F6E2F6A736F6E222C226964223A2273686F7274222C22736F75726365223A222F746974696B2F6275706174692D31222C227370656376657273696F6E223A22312E30222C2274696D65223A22323032362D31312D32325430313A30323A30332E3435365A222C2274797065223A2269642E746974696B2E7363616E227D','9da4569de5e09c2ad91c98738d365111deecf483c3da3049f66c1c080d197d53','an id of 5 characters','2026-11-22T01:04:03.456Z');
INSERT INTO "quarantine" VALUES('titik/v1/bupati-1/event',X'7B2264617461223A7B22636C6F636B223A7B22626F6F74223A226262626262626262626262626262626262626262626262626262626262626262222C2273796E636564223A747275652C22757074696D65223A353132332E347D2C22636F6C6F7572223A22677265656E222C22646972656374696F6E223A22696E222C2265706F6368223A2239396666222C22686F6C646572223A223966396639663966396639663966396639663966396639663966396639663966222C226F7574636F6D65223A2261646D6974222C22706F696E74223A22647072642D31222C22726561736F6E223A2274776F2D646F736573222C22726570656174223A66616C73652C22736571223A312C2273696D756C61746564223A66616C73657D2C2264617461636F6E74656E7474797065223A226170706C69636174696F6E2F6A736F6E222C226964223A223164306637346462636538303237633866613335313363626337393232623163222C22736F75726365223A222F746974696B2F647072642D31222C227370656376657273696F6E223A22312E30222C2274696D65223A22323032362D31312D32325430313A30323A30332E3435365A222C2274797065223A2269642E746974696B2E7363616E227D','abe04eece12dd6951f5264b99a58448b795cd9ed51eecc530f321c8cf03e4517','source or point is not the point of its topic','2026-11-22T01:04:03.456Z');
INSERT INTO "quarantine" VALUES('titik/v1/#/event',X'7B2264617461223A7B22636C6F636B223A7B22626F6F74223A226262626262626262626262626262626262626262626262626262626262626262222C2273796E636564223A747275652C22757074696D65223A353132332E347D2C22636F6C6F7572223A22677265656E222C22646972656374696F6E223A22696E222C2265706F6368223A223766336139633165222C22686F6C646572223A223966396639663966396639663966396639663966396639663966396639663966222C226F7574636F6D65223A2261646D6974222C22706F696E74223A226275706174692D31222C22726561736F6E223A2274776F2D646F736573222C22726570656174223A66616C73652C22736571223A312C2273696D756C61746564223A66616C73657D2C2264617461636F6E74656E7474797065223A226170706C69636174696F6E2F6A736F6E222C226964223A223235393630393939373533383836313062666165393830656535646236623763222C22736F75726365223A222F746974696B2F6275706174692D31222C227370656376657273696F6E223A22312E30222C2274696D65223A22323032362D31312D32325430313A30323A30332E3435365A222C2274797065223A2269642E746974696B2E7363616E227D','ede849679fc0725a321da40f867c62658f706b8b28dfd99ee819b395f8728fbf','no point has the name in its topic','2026-11-22T01:04:03.456Z');
CREATE TABLE said (
    point TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (point, epoch)
) STRICT;
INSERT INTO "said" VALUES('bupati-1','7f3a9c1e',14);
CREATE TABLE station (
    point TEXT PRIMARY KEY,
    state TEXT,
    info TEXT,
    health TEXT,
    seen TEXT
) STRICT;
INSERT INTO "station" VALUES('bupati-1','{"boot":"b1","epoch":"7f3a9c1e","kept":[["7f3a9c1e",1,14]],"owed":2,"seq":14,"state":"online"}','{"version":"0.1.0"}','{"epoch":"7f3a9c1e","owed":2,"seq":14}','2026-11-22T01:06:03.456Z');
INSERT INTO "station" VALUES('dprd-1',NULL,NULL,NULL,'2026-11-22T01:05:03.456Z');
CREATE TABLE unread (point TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (point, epoch, seq)) STRICT, WITHOUT ROWID;
INSERT INTO "unread" VALUES('bupati-1','7f3a9c1e',91);
INSERT INTO "unread" VALUES('bupati-1','99ff',1);
CREATE INDEX event_place ON event (point, epoch, seq);
CREATE INDEX event_time ON event (point, time);
CREATE INDEX event_boot ON event (point, boot, uptime) WHERE synced = 0;
CREATE INDEX purged_place ON purged (point, epoch, seq);
COMMIT;
