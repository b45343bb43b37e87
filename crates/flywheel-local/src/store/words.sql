-- The words of living documents (see words.rs), by the row of the document. They are written with it, in its transaction,
-- whenever a change of it changes them.
CREATE VIRTUAL TABLE container_words USING fts5 (words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');
CREATE VIRTUAL TABLE file_words USING fts5 (words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');
-- As many bytes are gathered in one transaction before they are written out; a large one is quicker for it.
INSERT INTO container_words (container_words, rank) VALUES ('hashsize', 33554432);
INSERT INTO file_words (file_words, rank) VALUES ('hashsize', 33554432);

INSERT INTO container_words (rowid, words) SELECT row, words_of(kind, doc) FROM containers;
INSERT INTO file_words (rowid, words) SELECT row, words_of(0, doc) FROM files;

CREATE TRIGGER container_words_added AFTER INSERT ON containers BEGIN
    INSERT INTO container_words (rowid, words) VALUES (new.row, words_of(new.kind, new.doc));
END;
CREATE TRIGGER container_words_changed AFTER UPDATE OF doc ON containers
    WHEN words_of(old.kind, old.doc) <> words_of(new.kind, new.doc)
BEGIN
    DELETE FROM container_words WHERE rowid = old.row;
    INSERT INTO container_words (rowid, words) VALUES (new.row, words_of(new.kind, new.doc));
END;
CREATE TRIGGER container_words_gone AFTER DELETE ON containers BEGIN
    DELETE FROM container_words WHERE rowid = old.row;
END;
CREATE TRIGGER file_words_added AFTER INSERT ON files BEGIN
    INSERT INTO file_words (rowid, words) VALUES (new.row, words_of(0, new.doc));
END;
CREATE TRIGGER file_words_changed AFTER UPDATE OF doc ON files
    WHEN words_of(0, old.doc) <> words_of(0, new.doc)
BEGIN
    DELETE FROM file_words WHERE rowid = old.row;
    INSERT INTO file_words (rowid, words) VALUES (new.row, words_of(0, new.doc));
END;
CREATE TRIGGER file_words_gone AFTER DELETE ON files BEGIN
    DELETE FROM file_words WHERE rowid = old.row;
END;
