-- When the health of a point came.
ALTER TABLE station ADD COLUMN health_at TEXT;
