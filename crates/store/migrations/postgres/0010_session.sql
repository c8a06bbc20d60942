-- Who is signed in. The token is kept as its SHA-256 alone.
CREATE TABLE session (
    digest BYTEA PRIMARY KEY,
    account BYTEA NOT NULL,
    made_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    address TEXT NOT NULL
);
CREATE INDEX session_of_account ON session (account, seen_at);
CREATE INDEX session_made ON session (made_at);
