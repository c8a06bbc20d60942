-- With the company in the index an owner finds who waits behind a flood without reading its rows.
DROP INDEX delivery_due;
CREATE INDEX delivery_due ON delivery (integration, lane, due_at, company) WHERE status = 'pending';
