-- Who is signed in. The token is kept as its SHA-256 alone.
CREATE TABLE session (
    digest BLOB PRIMARY KEY,
    account BLOB NOT NULL,
    made_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    address TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_of_account ON session (account, seen_at);
CREATE INDEX session_made ON session (made_at);
