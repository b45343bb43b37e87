-- Which projects have session templates: an index over their documents, kept by the triggers below.
CREATE TABLE templated (project_id TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;

-- Sessions whose compliance may have changed in the running write; every write settles and empties it before it ends.
CREATE TABLE stale_sessions (session_id TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;

CREATE TRIGGER template_inserted AFTER INSERT ON containers
WHEN NEW.kind = 2 AND coalesce(json_array_length(NEW.doc, '$.templates'), 0) > 0
BEGIN
    INSERT OR IGNORE INTO templated VALUES (NEW.id);
END;

CREATE TRIGGER template_changed AFTER UPDATE OF doc ON containers
WHEN NEW.kind = 2 AND OLD.doc -> '$.templates' IS NOT NEW.doc -> '$.templates'
BEGIN
    DELETE FROM templated WHERE project_id = NEW.id;
    INSERT INTO templated SELECT NEW.id WHERE coalesce(json_array_length(NEW.doc, '$.templates'), 0) > 0;
    INSERT OR IGNORE INTO stale_sessions
        SELECT id FROM containers WHERE project_id = NEW.id AND kind = 4 AND deleted IS NULL;
END;

CREATE TRIGGER session_stale_by_insert AFTER INSERT ON containers
WHEN NEW.kind IN (4, 5) AND EXISTS (SELECT 1 FROM templated WHERE project_id = NEW.project_id)
BEGIN
    INSERT OR IGNORE INTO stale_sessions VALUES (NEW.session_id);
END;

CREATE TRIGGER session_stale_by_change AFTER UPDATE OF doc ON containers
WHEN NEW.kind IN (4, 5)
    AND (OLD.label IS NOT NEW.label OR OLD.deleted IS NOT NEW.deleted OR OLD.session_id IS NOT NEW.session_id
        OR OLD.project_id IS NOT NEW.project_id)
    AND EXISTS (SELECT 1 FROM templated WHERE project_id IN (OLD.project_id, NEW.project_id))
BEGIN
    INSERT OR IGNORE INTO stale_sessions VALUES (OLD.session_id);
    INSERT OR IGNORE INTO stale_sessions VALUES (NEW.session_id);
END;

CREATE TRIGGER session_stale_by_file AFTER INSERT ON files
WHEN NEW.acquisition_id IS NOT NULL AND EXISTS (SELECT 1 FROM templated WHERE project_id = NEW.project_id)
BEGIN
    INSERT OR IGNORE INTO stale_sessions VALUES (NEW.session_id);
END;

CREATE TRIGGER session_stale_by_file_change AFTER UPDATE OF doc ON files
WHEN coalesce(OLD.acquisition_id, NEW.acquisition_id) IS NOT NULL
    AND (OLD.current IS NOT NEW.current OR OLD.acquisition_id IS NOT NEW.acquisition_id
        OR OLD.doc -> '$.classification' IS NOT NEW.doc -> '$.classification')
    AND EXISTS (SELECT 1 FROM templated WHERE project_id IN (OLD.project_id, NEW.project_id))
BEGIN
    INSERT OR IGNORE INTO stale_sessions SELECT OLD.session_id WHERE OLD.session_id IS NOT NULL;
    INSERT OR IGNORE INTO stale_sessions SELECT NEW.session_id WHERE NEW.session_id IS NOT NULL;
END;
