-- Finds pending orders, of all events, whose deadline passed more than p_grace_ms ago, the longest overdue first, at most p_limit.
--
-- The sweep asks this, so that no seat depends on the expiry queue. Orders whose expiry failed are left out until their retry is due;
-- dead letters are left out until they are redriven.
--
-- Locks: none. Errors: none.
create or replace function rowlock.overdue_orders(p_grace_ms integer, p_limit integer)
returns table (event_id bigint, order_id uuid, overdue_ms integer)
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $function$
#variable_conflict use_column
declare
    v_now constant timestamptz := clock_timestamp();
begin
    return query
    select o.event_id, o.order_id, least(extract(epoch from v_now - o.expires_at) * 1000, 2147483647)::integer
    from rowlock.orders o
    where o.status = 'pending_payment' and o.expires_at < v_now - p_grace_ms * interval '1 millisecond'
        and not exists (
            select
            from rowlock.expiry_failures f
            where f.event_id = o.event_id and f.order_id = o.order_id and (f.retry_at is null or f.retry_at > v_now)
        )
    order by o.expires_at
    limit p_limit;
end
$function$;

comment on function rowlock.overdue_orders(integer, integer) is
    'Pending orders whose deadline passed more than a grace in milliseconds ago, oldest first.';
revoke all on function rowlock.overdue_orders(integer, integer) from public;
grant execute on function rowlock.overdue_orders(integer, integer) to rowlock_app, rowlock_admin;
