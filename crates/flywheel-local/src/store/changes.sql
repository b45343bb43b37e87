-- What was changed, by whom and to what: a row a change of a document, written by the triggers below in the transaction
-- of the change. Of files, what made them is told by their own documents.
CREATE TABLE changes (
    number INTEGER NOT NULL PRIMARY KEY,
    thing TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER,
    project_id TEXT,
    subject_id TEXT,
    created TEXT NOT NULL,
    method TEXT NOT NULL,
    revision INTEGER NOT NULL,
    origin TEXT NOT NULL,
    patch TEXT,
    reason TEXT
);
CREATE INDEX changes_by_thing ON changes (thing, number);
CREATE INDEX changes_by_project ON changes (project_id, number);

CREATE TRIGGER container_change AFTER UPDATE OF doc ON containers
WHEN NEW.kind BETWEEN 2 AND 6 AND OLD.deleted IS NULL
BEGIN
    INSERT INTO changes (thing, kind, project_id, subject_id, created, method, revision, origin, patch)
    SELECT NEW.id,
        CASE NEW.kind WHEN 2 THEN 'project' WHEN 3 THEN 'subject' WHEN 4 THEN 'session' WHEN 5 THEN 'acquisition'
            ELSE 'analysis' END,
        NEW.project_id, NEW.subject_id, coalesce(NEW.deleted, NEW.modified),
        CASE WHEN NEW.deleted IS NOT NULL THEN 'DELETE'
            WHEN coalesce(json_array_length(NEW.doc, '$.notes'), 0) < json_array_length(OLD.doc, '$.notes')
                THEN 'NOTE_DELETION'
            ELSE 'UPDATE' END,
        coalesce(NEW.doc ->> '$.revision', 1), author(), patch
    FROM (SELECT patch_between(OLD.doc, NEW.doc) AS patch LIMIT 1) WHERE patch IS NOT NULL;
END;

CREATE TRIGGER file_change AFTER UPDATE OF doc ON files WHEN OLD.deleted IS NULL
BEGIN
    INSERT INTO changes (thing, kind, version, project_id, subject_id, created, method, revision, origin, patch)
    SELECT NEW.file_id, 'file', NEW.version, NEW.project_id, NEW.subject_id,
        coalesce(NEW.deleted, NEW.doc ->> '$.replaced', NEW.modified, NEW.created),
        CASE WHEN NEW.deleted IS NOT NULL THEN 'DELETE'
            WHEN OLD.doc ->> '$.replaced' IS NULL AND NEW.doc ->> '$.replaced' IS NOT NULL THEN 'REPLACE_FILE'
            ELSE 'UPDATE' END,
        coalesce(NEW.doc ->> '$.revision', 1), author(), patch
    FROM (SELECT patch_between(OLD.doc, NEW.doc) AS patch LIMIT 1) WHERE patch IS NOT NULL;
END;
