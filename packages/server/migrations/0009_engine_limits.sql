-- How long a job may wait in the queue, and what was saved of an attempt that did not come to its end.
-- Up Migration

-- null: the default. Counted from the last time that it was queued.
alter table jobs add column queue_timeout_seconds integer check (queue_timeout_seconds > 0);

-- The commit under refs/flowforge/jobs/<id>/rescue/<attempt>: what the agent left when it was lost, crashed or ran out of time.
alter table attempts add column rescued_commit text;
