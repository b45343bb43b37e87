-- By this the oldest changes are found when they are taken away.
CREATE INDEX changes_by_time ON changes (created);
