-- Gear rules of the site (project_id 'site') and of projects.
CREATE TABLE rules (
    id TEXT NOT NULL PRIMARY KEY,
    doc TEXT NOT NULL,
    project_id TEXT NOT NULL GENERATED ALWAYS AS (doc ->> '$.project_id') STORED,
    gear_id TEXT NOT NULL GENERATED ALWAYS AS (doc ->> '$.gear_id') STORED,
    active INTEGER NOT NULL GENERATED ALWAYS AS (NOT coalesce(doc ->> '$.disabled', 0)) STORED
);
CREATE INDEX rules_by_project ON rules (project_id, id);
CREATE INDEX rules_by_gear ON rules (gear_id);

-- What happened to files of projects that have rules, in order, until the rules have been asked. `uuid` is the version's
-- record; `before` its document before the change, null for a version that came.
CREATE TABLE file_events (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL,
    before TEXT
);
CREATE INDEX file_events_by_file ON file_events (uuid);

-- Which rule made which job of which version of a file: a rule acts on a version once.
CREATE TABLE rule_jobs (
    uuid TEXT NOT NULL,
    rule_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    PRIMARY KEY (uuid, rule_id)
) WITHOUT ROWID;

CREATE TRIGGER files_arrive AFTER INSERT ON files
WHEN NEW.current AND EXISTS (SELECT 1 FROM rules WHERE project_id = NEW.project_id AND active)
BEGIN
    INSERT INTO file_events (uuid, before) VALUES (NEW.uuid, NULL);
END;

CREATE TRIGGER files_change AFTER UPDATE OF doc ON files
WHEN NEW.current AND OLD.current
    AND EXISTS (SELECT 1 FROM rules WHERE project_id = NEW.project_id AND active)
    AND ((NEW.doc -> '$.type') IS NOT (OLD.doc -> '$.type')
        OR (NEW.doc -> '$.modality') IS NOT (OLD.doc -> '$.modality')
        OR (NEW.doc -> '$.classification') IS NOT (OLD.doc -> '$.classification')
        OR (NEW.doc -> '$.tags') IS NOT (OLD.doc -> '$.tags')
        OR (NEW.doc -> '$.gear_info') IS NOT (OLD.doc -> '$.gear_info'))
BEGIN
    INSERT INTO file_events (uuid, before) VALUES (NEW.uuid, OLD.doc);
END;
