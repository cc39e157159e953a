-- Revokes an API key for good; revoking it again keeps the first time. p_function and p_reason are for the action log.
-- Locks: the key's row.
-- Errors: RL011.
create or replace function rowlock._revoke_api_key(p_api_key_id bigint, p_function text, p_reason text) returns void
language plpgsql
as $$
declare
    v_revoked_at timestamptz;
begin
    select k.revoked_at into v_revoked_at from rowlock.api_keys k where k.api_key_id = p_api_key_id for update;
    update rowlock.api_keys k
    set revoked_at = coalesce(k.revoked_at, date_trunc('milliseconds', clock_timestamp()))
    where k.api_key_id = p_api_key_id;
    if not found then
        raise exception using
            errcode = 'RL011',
            message = 'api_key_not_found',
            detail = format('there is no API key %s', coalesce(p_api_key_id::text, 'without an id'));
    end if;
    perform rowlock._log_action(
        p_function => p_function, p_event_id => null, p_order_id => null, p_reason => p_reason,
        p_arguments => jsonb_build_object('api_key_id', p_api_key_id), p_before => jsonb_build_object('works', v_revoked_at is null),
        p_after => jsonb_build_object('works', false)
    );
end
$$;

comment on function rowlock._revoke_api_key(bigint, text, text) is 'Revokes an API key for good.';
