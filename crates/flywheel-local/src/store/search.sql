-- Indexes that only the search uses: a statement takes them when it says that `version` or `kind` is not 0, which
-- always holds. Lists, which do not say so, keep to theirs.
CREATE INDEX search_files_by_type ON files (type, file_id) WHERE current AND version <> 0;
CREATE INDEX search_files_by_modality ON files (modality, file_id) WHERE current AND version <> 0;
CREATE INDEX search_files_by_subject ON files (subject_id, file_id) WHERE current AND version <> 0;
CREATE INDEX search_files_by_session ON files (session_id, file_id) WHERE current AND version <> 0;
CREATE INDEX search_files_by_acquisition ON files (acquisition_id, file_id) WHERE current AND version <> 0;
CREATE INDEX search_by_subject ON containers (subject_id, kind, id) WHERE deleted IS NULL AND kind <> 0;
CREATE INDEX search_by_session ON containers (session_id, kind, id) WHERE deleted IS NULL AND kind <> 0;
CREATE INDEX search_by_timestamp ON containers (kind, timestamp, id) WHERE deleted IS NULL AND kind <> 0;
CREATE INDEX search_by_age ON containers (kind, doc ->> '$.age') WHERE deleted IS NULL AND kind <> 0;
