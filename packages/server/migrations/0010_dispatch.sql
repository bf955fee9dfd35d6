-- What keeps claiming and listing as fast with a million finished jobs as with a thousand.
-- Up Migration

-- A job and its attempt are rewritten a dozen times within seconds. With room beside them a new version of a row stays on
-- its page, and no index hears of it (heap-only tuples: PostgreSQL documentation, storage-hot).
alter table jobs set (fillfactor = 70);
alter table attempts set (fillfactor = 70);
alter table event_sources set (fillfactor = 70);

-- Lists by state, of an organization and of a repository: each page is read from its first row to its last.
create index jobs_by_state on jobs (organization_id, state, id desc);
create index jobs_by_repository_and_state on jobs (repository_id, state, id desc);

-- A claim reads from the front of the queue. Those that wait for their time do not stand there: they lie in an index of
-- their own, by time.
create index jobs_claimable on jobs (organization_id, priority desc, queued_at, id)
  where state = 'queued' and not_before is null;
create index jobs_delayed on jobs (not_before) where state = 'queued' and not_before is not null;
