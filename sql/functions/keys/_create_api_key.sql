-- Records a new API key by its SHA-256 and returns its id; the key itself never reaches the database. p_function and p_reason are for the
-- action log.
-- Locks: only its own new row.
-- Errors: RL006 (also for a hash that already exists, revoked or not).
create or replace function rowlock._create_api_key(p_name text, p_hash bytea, p_function text, p_reason text) returns bigint
language plpgsql
as $$
declare
    v_api_key_id bigint;
begin
    if p_hash is null or octet_length(p_hash) <> 32 then
        perform rowlock._invalid_request('hash', 'must be the 32 bytes of a SHA-256');
    end if;
    insert into rowlock.api_keys (name, hash, created_at)
    values (
        rowlock._json_text(p_value => to_jsonb(p_name), p_path => 'name', p_min => 1, p_max => 200), p_hash,
        date_trunc('milliseconds', clock_timestamp())
    )
    on conflict (hash) do nothing
    returning api_key_id into v_api_key_id;
    if not found then
        perform rowlock._invalid_request('hash', 'is the hash of an earlier key');
    end if;
    perform rowlock._log_action(
        p_function => p_function, p_event_id => null, p_order_id => null, p_reason => p_reason,
        p_arguments => jsonb_build_object('name', p_name), p_before => '{}', p_after => jsonb_build_object('api_key_id', v_api_key_id)
    );
    return v_api_key_id;
end
$$;

comment on function rowlock._create_api_key(text, bytea, text, text) is 'Records a new API key by its SHA-256; returns its id.';
