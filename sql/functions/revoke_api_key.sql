-- Makes an API key stop working for good; revoking it again keeps the first time.
-- Locks: the key's row.
-- Errors: RL012.
create or replace function rowlock.revoke_api_key(p_api_key_id bigint) returns void
language plpgsql security definer set search_path = pg_catalog, rowlock, pg_temp as $body$
declare
    v_revoked_at timestamptz;
begin
    select k.revoked_at into v_revoked_at from rowlock.api_keys as k where k.api_key_id = p_api_key_id for update;
    update rowlock.api_keys as k
    set revoked_at = coalesce(k.revoked_at, date_trunc('milliseconds', clock_timestamp()))
    where k.api_key_id = p_api_key_id;
    if not found then
        raise exception using
            errcode = 'RL012',
            message = 'api_key_not_found',
            detail = format('there is no API key %s', coalesce(p_api_key_id::text, 'without an id'));
    end if;
    perform rowlock._log_action('rowlock.revoke_api_key', null, null, null, jsonb_build_object('api_key_id', p_api_key_id),
        jsonb_build_object('revoked_at', v_revoked_at),
        (select jsonb_build_object('revoked_at', k.revoked_at) from rowlock.api_keys as k where k.api_key_id = p_api_key_id));
end
$body$;
comment on function rowlock.revoke_api_key(bigint) is 'Makes an API key stop working for good.';
revoke all on function rowlock.revoke_api_key(bigint) from public;
grant execute on function rowlock.revoke_api_key(bigint) to rowlock_admin;
