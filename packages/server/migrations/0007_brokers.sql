-- Rings for a broker, written with what they tell of, and the brokers that this installation knows.
-- Up Migration

-- A ring leaves when the broker has confirmed it. Its writer tells it right after the commit; from `due_at` on the sweep
-- does: then its writer is dead, the broker was away, or the ring was to wait until then.
create table outbox (
  id bigint generated always as identity primary key,
  job_id uuid not null references jobs (id) on delete cascade,
  organization_id text not null references organization (id) on delete cascade,
  due_at timestamptz not null
);
create index outbox_due on outbox (due_at);
create index outbox_of_job on outbox (job_id);
alter table outbox enable row level security;
create policy tenant on outbox
  using (flowforge_sees(organization_id)) with check (flowforge_sees(organization_id));

-- Servers that have answered once. One that does not answer at a start is down when it stands here; else its address is wrong.
create table known_brokers (
  address text primary key,
  answered_at timestamptz not null default now()
);
