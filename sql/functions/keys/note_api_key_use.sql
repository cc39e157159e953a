-- Records that an API key was used, at most once a minute. If somebody is changing the key, nothing is recorded: it will be used again.
-- Locks: the key's row, without waiting. Errors: none.
create or replace function rowlock.note_api_key_use(p_api_key_id bigint) returns void
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    perform from rowlock.api_keys k
    where k.api_key_id = p_api_key_id and (k.last_used_at is null or k.last_used_at < clock_timestamp() - interval '1 minute')
    for no key update skip locked;
    if found then
        update rowlock.api_keys k
        set last_used_at = date_trunc('milliseconds', clock_timestamp())
        where k.api_key_id = p_api_key_id;
    end if;
end
$$;

comment on function rowlock.note_api_key_use(bigint) is 'Records that an API key was used, at most once a minute.';
grant execute on function rowlock.note_api_key_use(bigint) to rowlock_app;
