-- When an event was last counted again and by which message, and the quiet event that it opens anew. Written only where a
-- source counts repeats; the `seen_at` of a fingerprint is from now on the time of the last repeat.
ALTER TABLE event ADD COLUMN last_seen_at BIGINT;
ALTER TABLE event ADD COLUMN last_message BYTEA;
ALTER TABLE event ADD COLUMN reopened BYTEA;
