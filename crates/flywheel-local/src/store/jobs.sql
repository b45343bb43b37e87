-- Gears: one row per version. Which of a name is the newest, `created` says.
CREATE TABLE gears (
    id TEXT NOT NULL PRIMARY KEY,
    doc TEXT NOT NULL,
    name TEXT NOT NULL GENERATED ALWAYS AS (doc ->> '$.gear.name') STORED,
    version TEXT NOT NULL GENERATED ALWAYS AS (doc ->> '$.gear.version') STORED,
    created TEXT GENERATED ALWAYS AS (doc ->> '$.created') STORED
);
CREATE UNIQUE INDEX gear_versions ON gears (name, version);
CREATE INDEX gears_by_name ON gears (name, created, id);

-- Jobs. `rank` is the priority as a number, so that the queue comes in order.
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    doc TEXT NOT NULL,
    state TEXT NOT NULL GENERATED ALWAYS AS (doc ->> '$.state') STORED,
    rank INTEGER NOT NULL GENERATED ALWAYS AS (CASE doc ->> '$.priority'
        WHEN 'critical' THEN 3 WHEN 'high' THEN 2 WHEN 'low' THEN 0 ELSE 1 END) STORED,
    created TEXT GENERATED ALWAYS AS (doc ->> '$.created') STORED,
    modified TEXT GENERATED ALWAYS AS (doc ->> '$.modified') STORED,
    gear_id TEXT GENERATED ALWAYS AS (doc ->> '$.gear_id') STORED,
    project_id TEXT GENERATED ALWAYS AS (doc ->> '$.parents.project') STORED,
    batch TEXT GENERATED ALWAYS AS (doc ->> '$.batch') STORED,
    asker TEXT GENERATED ALWAYS AS (doc ->> '$.origin.id') STORED
);
CREATE INDEX jobs_in_order ON jobs (state, rank DESC, modified, id);
CREATE INDEX jobs_by_project ON jobs (project_id, id);
CREATE INDEX jobs_by_batch ON jobs (batch, id) WHERE batch IS NOT NULL;
CREATE INDEX jobs_by_asker ON jobs (asker, id);

-- The containers that a job has to do with: its destination, those of its inputs, and all above them.
CREATE TABLE job_containers (
    container_id TEXT NOT NULL,
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    PRIMARY KEY (container_id, job_id)
) WITHOUT ROWID;

-- What jobs say while they run, in order: 1 standard output, 2 standard error, -1 the site.
CREATE TABLE job_logs (
    number INTEGER NOT NULL PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    fd INTEGER NOT NULL,
    msg TEXT NOT NULL
);
CREATE INDEX job_logs_by_job ON job_logs (job_id, number);

-- Keys of running jobs: the SHA-256 of the secret.
CREATE TABLE job_keys (
    hash TEXT NOT NULL PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    read_only INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX job_keys_by_job ON job_keys (job_id);
