-- The second wall between organizations. The first is the organization in every query; this one holds when a query
-- forgets it. A transaction names its organization in `flowforge.organization`; '*' is the worker's view across all.
-- Up Migration

create function flowforge_sees(organization text) returns boolean
  language sql stable parallel safe
  return organization = current_setting('flowforge.organization', true)
      or current_setting('flowforge.organization', true) = '*';

do $$
declare tenant_table text;
begin
  foreach tenant_table in array array[
    'repositories', 'job_numbers', 'jobs', 'attempts', 'events', 'event_sources', 'runner_commands', 'artifacts',
    'claude_requests', 'idempotency_keys'
  ] loop
    execute format('alter table %I enable row level security', tenant_table);
    execute format(
      'create policy tenant on %I using (flowforge_sees(organization_id)) with check (flowforge_sees(organization_id))',
      tenant_table
    );
  end loop;
end $$;

grant usage on schema public to flowforge_app;
grant select, insert, update, delete on all tables in schema public to flowforge_app;
revoke insert, update, delete on pgmigrations from flowforge_app;
alter default privileges in schema public grant select, insert, update, delete on tables to flowforge_app;
