-- Finds a working API key by its SHA-256; no row if it is unknown or revoked.
-- Locks: none. Errors: none.
create or replace function rowlock.find_api_key(p_hash bytea) returns table (api_key_id bigint, name text)
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
    return query
    select k.api_key_id, k.name
    from rowlock.api_keys as k
    where k.hash = p_hash and k.revoked_at is null;
end
$$;

comment on function rowlock.find_api_key(bytea) is 'Finds a working API key by its SHA-256.';
grant execute on function rowlock.find_api_key(bytea) to rowlock_app;
