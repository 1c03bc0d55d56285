-- How many events of each kind a point has: counted as they come and go, for to count them anew reads every row.
CREATE TABLE IF NOT EXISTS tally (
    point TEXT NOT NULL,
    kind TEXT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (point, kind)
) STRICT, WITHOUT ROWID;
-- The kind of a row is what `central.store.tally` says that it is.
CREATE TRIGGER IF NOT EXISTS event_is_counted_out AFTER DELETE ON event BEGIN
    UPDATE tally SET events = events - 1 WHERE point = old.point AND kind = CASE
        WHEN instr(old.body, '"type":"id.titik.scan"') THEN CASE
            WHEN old.simulated THEN 'simulated'
            WHEN old.repeat THEN 'repeat'
            WHEN old.outcome IN ('admit', 'check', 'refuse') THEN old.outcome
            ELSE 'other'
        END
        WHEN instr(old.body, '"type":"id.titik.clock"') THEN 'clock'
        ELSE 'other'
    END;
END;
