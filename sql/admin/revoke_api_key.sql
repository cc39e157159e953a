-- Revokes an API key for good; revoking it again keeps the first time. Servers stop accepting it within 5 s.
-- Locks: the key's row.
-- Errors: RL006, RL011.
create or replace function admin.revoke_api_key(p_api_key_id bigint, p_reason text) returns void
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    perform rowlock._revoke_api_key(p_api_key_id, 'admin.revoke_api_key', rowlock._check_reason(p_reason));
end
$$;

comment on function admin.revoke_api_key(bigint, text) is 'Revokes an API key for good. For rowlock_admin.';
grant execute on function admin.revoke_api_key(bigint, text) to rowlock_admin;
