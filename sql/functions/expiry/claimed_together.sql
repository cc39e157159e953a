-- Finds the pending orders of one event that share some deadlines, and how long each is overdue. A deadline is named by the smallest id of
-- the orders that were claimed together, whether or not that order is still pending.
--
-- The expiry queue calls this: it has one entry per deadline. Orders whose expiry failed are left out, and so are those whose row of
-- rowlock.deadlines is gone or has another name: the sweep handles these. overdue_ms is negative for a deadline that is still ahead.
--
-- Locks: none. Errors: none.
create or replace function rowlock.claimed_together(p_event_id bigint, p_first_order_ids uuid[])
returns table (order_id uuid, overdue_ms integer)
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := clock_timestamp();
begin
    -- The limits keep the look-ups in this order: a plan made while rowlock.deadlines is empty must not read all of it later.
    return query
    select i.order_id, greatest(least(extract(epoch from v_now - d.expires_at) * 1000, 2147483647), -2147483648)::integer
    from (select distinct n.order_id from unnest(p_first_order_ids) as n (order_id)) n
    cross join lateral (
        select o.expires_at from rowlock.orders o
        where o.event_id = p_event_id and o.order_id = n.order_id
        limit 1
    ) o
    cross join lateral (
        select d.expires_at, d.order_ids from rowlock.deadlines d
        where d.expires_at = o.expires_at and d.event_id = p_event_id and d.first_order_id = n.order_id
        limit 1
    ) d
    cross join unnest(d.order_ids) as i (order_id)
    cross join lateral (
        select from rowlock.orders o
        where o.event_id = p_event_id and o.order_id = i.order_id and o.status = 'pending_payment'
        limit 1
    ) p
    where not exists (select from rowlock.expiry_failures f where f.event_id = p_event_id and f.order_id = i.order_id);
end
$$;

comment on function rowlock.claimed_together(bigint, uuid[]) is
    'Pending orders of the deadlines named by these order ids, and how long each is overdue.';
grant execute on function rowlock.claimed_together(bigint, uuid[]) to rowlock_app;
