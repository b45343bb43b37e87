-- Packfiles that are being sent: the token that stands for each, and what has arrived for it.
CREATE TABLE packfiles (
    token TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
    caller TEXT NOT NULL,
    used TEXT NOT NULL
);
CREATE INDEX packfiles_by_use ON packfiles (used);
CREATE TABLE packed (
    token TEXT NOT NULL REFERENCES packfiles (token) ON DELETE CASCADE,
    name TEXT NOT NULL,
    blob TEXT NOT NULL,
    size INTEGER NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (token, name)
) WITHOUT ROWID;
CREATE INDEX packed_by_blob ON packed (blob);
