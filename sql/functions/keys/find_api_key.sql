-- Finds a working API key by its SHA-256 and returns its id; null if it is unknown or revoked.
-- Locks: none. Errors: none.
create or replace function rowlock.find_api_key(p_hash bytea) returns bigint
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return (select k.api_key_id from rowlock.api_keys k where k.hash = p_hash and k.revoked_at is null);
end
$$;

comment on function rowlock.find_api_key(bytea) is 'Finds a working API key by its SHA-256; returns its id.';
grant execute on function rowlock.find_api_key(bytea) to rowlock_app;
