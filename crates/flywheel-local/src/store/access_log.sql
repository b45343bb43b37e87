-- Who looked at, took or changed what: one row a request that counts, written in batches out of the journal.
CREATE TABLE access_log (
    id TEXT NOT NULL PRIMARY KEY,
    doc TEXT NOT NULL,
    timestamp TEXT GENERATED ALWAYS AS (doc ->> '$.timestamp') STORED,
    access_type TEXT GENERATED ALWAYS AS (doc ->> '$.access_type') STORED,
    user_id TEXT GENERATED ALWAYS AS (doc ->> '$.user_id') STORED,
    project_id TEXT GENERATED ALWAYS AS (doc ->> '$.context.project.id') STORED,
    subject_id TEXT GENERATED ALWAYS AS (doc ->> '$.context.subject.id') STORED
);
CREATE INDEX access_log_by_time ON access_log (timestamp, id);
CREATE INDEX access_log_by_user ON access_log (user_id, timestamp);
CREATE INDEX access_log_by_project ON access_log (project_id, timestamp);
CREATE INDEX access_log_by_subject ON access_log (subject_id, timestamp);
