-- The silence that muted an event.
ALTER TABLE event ADD COLUMN silence BYTEA;
CREATE INDEX event_silenced ON event (silence, id) WHERE silence IS NOT NULL;
