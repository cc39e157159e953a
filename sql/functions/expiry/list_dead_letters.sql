-- Lists orders whose expiry was given up after its retries, of one event or (null) of all, latest first, at most p_limit (1 to 1000).
--
-- Locks: none. Errors: RL006 for a limit out of bounds.
create or replace function rowlock.list_dead_letters(p_event_id bigint, p_limit integer)
returns table (
    event_id        bigint,
    order_id        uuid,
    attempts        integer,
    last_error      text,
    first_failed_at timestamptz,
    last_failed_at  timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_limit constant integer := rowlock._check_limit(p_limit);
begin
    return query
    select f.event_id, f.order_id, f.attempts, f.last_error, f.first_failed_at, f.last_failed_at
    from rowlock.expiry_failures f
    where f.retry_at is null and (p_event_id is null or f.event_id = p_event_id)
    order by f.last_failed_at desc, f.event_id, f.order_id
    limit v_limit;
end
$$;

comment on function rowlock.list_dead_letters(bigint, integer) is 'Expiries given up after their retries, latest first.';
grant execute on function rowlock.list_dead_letters(bigint, integer) to rowlock_app, rowlock_admin;
