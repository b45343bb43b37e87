-- Documents are JSON text and the one truth; the columns that lists filter, sort and page on are computed from them
-- by the database itself, so a write is the write of a document and nothing can drift.
--
-- Times are ISO 8601 in UTC as flywheel_core::time::format writes them, so their text order is their time order.

-- Groups, projects, subjects, sessions, acquisitions, analyses, collections. `kind` is Kind::code.
-- An ancestor column holds the container's own id at its own level: `session_id = X` is the session X and all below it.
-- `row` is what other indexes name a row by; it stays when the file is compacted.
CREATE TABLE containers (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind INTEGER NOT NULL,
    doc TEXT NOT NULL,
    label TEXT GENERATED ALWAYS AS (doc ->> '$.label') STORED,
    uid TEXT GENERATED ALWAYS AS (doc ->> '$.uid') STORED,
    timestamp TEXT GENERATED ALWAYS AS (doc ->> '$.timestamp') STORED,
    created TEXT GENERATED ALWAYS AS (doc ->> '$.created') STORED,
    modified TEXT GENERATED ALWAYS AS (doc ->> '$.modified') STORED,
    deleted TEXT GENERATED ALWAYS AS (doc ->> '$.deleted') STORED,
    group_id TEXT GENERATED ALWAYS AS (CASE kind WHEN 1 THEN id ELSE doc ->> '$.parents.group' END) STORED,
    project_id TEXT GENERATED ALWAYS AS (CASE kind WHEN 2 THEN id ELSE doc ->> '$.parents.project' END) STORED,
    subject_id TEXT GENERATED ALWAYS AS (CASE kind WHEN 3 THEN id ELSE doc ->> '$.parents.subject' END) STORED,
    session_id TEXT GENERATED ALWAYS AS (CASE kind WHEN 4 THEN id ELSE doc ->> '$.parents.session' END) STORED,
    acquisition_id TEXT GENERATED ALWAYS AS (CASE kind WHEN 5 THEN id ELSE doc ->> '$.parents.acquisition' END) STORED,
    parent_id TEXT REFERENCES containers (id) GENERATED ALWAYS AS (CASE kind
        WHEN 2 THEN doc ->> '$.parents.group'
        WHEN 3 THEN doc ->> '$.parents.project'
        WHEN 4 THEN doc ->> '$.parents.subject'
        WHEN 5 THEN doc ->> '$.parents.session'
        WHEN 6 THEN doc ->> '$.parent.id' END) STORED
);
CREATE INDEX containers_by_kind ON containers (kind, id) WHERE deleted IS NULL;
CREATE INDEX containers_by_kind_label ON containers (kind, label, id) WHERE deleted IS NULL;
CREATE INDEX containers_by_kind_uid ON containers (kind, uid) WHERE deleted IS NULL AND uid IS NOT NULL;
CREATE INDEX containers_by_project ON containers (project_id, kind, id) WHERE deleted IS NULL;
CREATE INDEX containers_by_project_label ON containers (project_id, kind, label, id) WHERE deleted IS NULL;
CREATE INDEX containers_by_subject ON containers (subject_id, kind, id) WHERE deleted IS NULL;
CREATE INDEX containers_by_parent ON containers (parent_id, kind, id);
CREATE INDEX containers_by_parent_label ON containers (parent_id, kind, label, id) WHERE deleted IS NULL;
-- A subject's label is unique among the live subjects of its project, a project's among those of its group.
CREATE UNIQUE INDEX subject_labels ON containers (parent_id, label) WHERE kind = 3 AND deleted IS NULL;
CREATE UNIQUE INDEX project_labels ON containers (parent_id, label) WHERE kind = 2 AND deleted IS NULL;

-- One row per version of a file. `uuid` is the document's `_id`; `blob` is the blob store's own address of the bytes and
-- never leaves the site. A version is current when it is neither replaced nor deleted.
CREATE TABLE files (
    row INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    blob TEXT NOT NULL,
    doc TEXT NOT NULL,
    file_id TEXT NOT NULL GENERATED ALWAYS AS (doc ->> '$.file_id') STORED,
    version INTEGER NOT NULL GENERATED ALWAYS AS (doc ->> '$.version') STORED,
    parent_id TEXT NOT NULL REFERENCES containers (id) GENERATED ALWAYS AS (doc ->> '$.parent_ref.id') STORED,
    name TEXT NOT NULL GENERATED ALWAYS AS (doc ->> '$.name') STORED,
    type TEXT GENERATED ALWAYS AS (doc ->> '$.type') STORED,
    modality TEXT GENERATED ALWAYS AS (doc ->> '$.modality') STORED,
    size INTEGER GENERATED ALWAYS AS (doc ->> '$.size') STORED,
    created TEXT GENERATED ALWAYS AS (doc ->> '$.created') STORED,
    modified TEXT GENERATED ALWAYS AS (doc ->> '$.modified') STORED,
    deleted TEXT GENERATED ALWAYS AS (doc ->> '$.deleted') STORED,
    group_id TEXT GENERATED ALWAYS AS (doc ->> '$.parents.group') STORED,
    project_id TEXT GENERATED ALWAYS AS (doc ->> '$.parents.project') STORED,
    subject_id TEXT GENERATED ALWAYS AS (doc ->> '$.parents.subject') STORED,
    session_id TEXT GENERATED ALWAYS AS (doc ->> '$.parents.session') STORED,
    acquisition_id TEXT GENERATED ALWAYS AS (doc ->> '$.parents.acquisition') STORED,
    current INTEGER NOT NULL
        GENERATED ALWAYS AS ((doc ->> '$.deleted') IS NULL AND (doc ->> '$.replaced') IS NULL) STORED
);
CREATE UNIQUE INDEX file_versions ON files (file_id, version);
CREATE UNIQUE INDEX file_names ON files (parent_id, name) WHERE current;
CREATE INDEX files_by_parent ON files (parent_id);
CREATE INDEX current_files ON files (file_id) WHERE current;
CREATE INDEX current_files_by_project ON files (project_id, file_id) WHERE current;
CREATE INDEX current_files_by_name ON files (name, file_id) WHERE current;
CREATE INDEX files_by_blob ON files (blob);

-- Users and devices. A user's id is its login, a device's an object id.
CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'device')),
    doc TEXT NOT NULL
);

-- Keys. Only the SHA-256 of the secret is kept: the secrets are random and long, so a slow hash would add nothing.
CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hint TEXT NOT NULL,
    label TEXT NOT NULL,
    created TEXT NOT NULL,
    last_used TEXT,
    expires_at TEXT
);
CREATE INDEX api_keys_by_account ON api_keys (account_id, id);

-- Who may do what where: an index over the `permissions` of groups, projects and collections, written with the document.
-- `role` is a role's id on a project, ro, rw or admin on a group or collection.
CREATE TABLE grants (
    user_id TEXT NOT NULL,
    container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    PRIMARY KEY (user_id, container_id, role)
) WITHOUT ROWID;
CREATE INDEX grants_by_container ON grants (container_id);

-- Small documents found by kind and id: roles, modalities, settings.
CREATE TABLE records (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);

-- Membership of acquisitions in collections.
CREATE TABLE collected (
    collection_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
    acquisition_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
    PRIMARY KEY (collection_id, acquisition_id)
) WITHOUT ROWID;
CREATE INDEX collected_by_acquisition ON collected (acquisition_id);

-- Which files living analyses took as inputs.
CREATE TABLE analysis_inputs (
    file_id TEXT NOT NULL,
    analysis_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
    PRIMARY KEY (file_id, analysis_id)
) WITHOUT ROWID;
