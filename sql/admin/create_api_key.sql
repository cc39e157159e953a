-- Records a new API key by its SHA-256 and returns its id; the key itself never reaches the database. `rowlock api-key create` makes one.
-- Locks: only its own new row.
-- Errors: RL006 (also for a hash that already exists, revoked or not).
create or replace function admin.create_api_key(p_name text, p_hash bytea, p_reason text) returns bigint
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    return rowlock._create_api_key(
        p_name => p_name, p_hash => p_hash, p_function => 'admin.create_api_key', p_reason => rowlock._check_reason(p_reason)
    );
end
$$;

comment on function admin.create_api_key(text, bytea, text) is
    'Records a new API key by its SHA-256; returns its id. For rowlock_admin.';
grant execute on function admin.create_api_key(text, bytea, text) to rowlock_admin;
