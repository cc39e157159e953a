-- Returns how far the database is migrated, for readiness checks: the number of the last migration (0 if none) and how many function and
-- view files are applied. The history table belongs to whoever migrates, who must let rowlock_owner read it; its name is resolved at run
-- time, because this file may be applied before the table exists.
-- Locks: none. Errors: none.
create or replace function rowlock.migration_state() returns table (version integer, files integer)
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
#variable_conflict use_column
declare
    v_history regclass := to_regclass('public.refinery_schema_history');
    v_version integer := 0;
begin
    if v_history is not null then
        execute format('select coalesce(max(h.version), 0)::integer from %s as h', v_history) into v_version;
    end if;
    return query
    select v_version, count(*)::integer from rowlock.applied_files;
end
$$;

comment on function rowlock.migration_state() is 'Returns how far the database is migrated.';
grant execute on function rowlock.migration_state() to rowlock_app, rowlock_admin;
