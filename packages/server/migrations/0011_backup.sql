-- Which versions may work with this database, what each worker speaks, and which backups were made.
-- Up Migration

-- A migration that takes something away (a contract step) raises `oldest_level`: the number of the newest migration
-- that a process must know at least. Processes that know less refuse to start.
create table schema_compatibility (
  only_row boolean primary key default true check (only_row),
  oldest_level integer not null default 0
);
insert into schema_compatibility default values;
revoke insert, update, delete on schema_compatibility from flowforge_app;

alter table workers add column schema_level integer;
alter table workers add column protocol_version integer;

-- The installation's own record, for the schedule and for `doctor`. Not part of a backup.
create table backups (
  id uuid primary key,
  -- folder or s3://bucket/prefix; never with credentials
  destination text not null,
  name text not null,
  scheduled boolean not null,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  size_bytes bigint,
  -- code and sentence, when it failed
  problem text
);
create index backups_by_time on backups (started_at desc);
