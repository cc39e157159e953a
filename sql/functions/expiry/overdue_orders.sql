-- Finds pending orders, of all events, whose deadline passed more than p_grace_ms ago, longest overdue first, at most p_limit of them after
-- the first p_passed.
--
-- The sweep calls this, so that no seat depends on the expiry queue. What it has found locked stays the longest overdue: it passes over as
-- many orders. Orders whose expiry failed are left out until their retry is due, dead letters until they are redriven.
--
-- rowlock.deadlines lists every pending order from the commit of its claim on, so none can be missed, however old its deadline. The rows
-- examined are cleared of orders that have ended.
--
-- Locks: the rows of rowlock.deadlines that change, passing over locked ones. Errors: none.
create or replace function rowlock.overdue_orders(p_grace_ms integer, p_limit integer, p_passed integer default 0)
returns table (event_id bigint, order_id uuid, overdue_ms integer)
language plpgsql
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
    v_now         constant timestamptz := clock_timestamp();
    v_looked_upto timestamptz := v_now - p_grace_ms * interval '1 millisecond';
    v_event_ids   bigint[];
    v_order_ids   uuid[];
    v_deadlines   timestamptz[];
begin
    select array_agg(o.event_id), array_agg(o.order_id), array_agg(o.expires_at)
    into v_event_ids, v_order_ids, v_deadlines
    from (
        select d.event_id, i.order_id, d.expires_at
        from rowlock.deadlines d
        cross join unnest(d.order_ids) as i (order_id)
        cross join lateral (
            select from rowlock.orders o
            where o.event_id = d.event_id and o.order_id = i.order_id and o.status = 'pending_payment'
                and o.expires_at < v_looked_upto
            limit 1
        ) o
        where d.expires_at < v_looked_upto
            and not exists (
                select
                from rowlock.expiry_failures f
                where f.event_id = d.event_id and f.order_id = i.order_id and (f.retry_at is null or f.retry_at > v_now)
            )
        order by d.expires_at, d.event_id, d.first_order_id
        limit p_limit offset p_passed
    ) o;

    if cardinality(v_deadlines) >= p_limit then
        v_looked_upto := v_deadlines[cardinality(v_deadlines)];
    end if;
    perform rowlock._clear_deadlines(v_looked_upto);

    return query
    select o.event_id, o.order_id, least(extract(epoch from v_now - o.expires_at) * 1000, 2147483647)::integer
    from unnest(v_event_ids, v_order_ids, v_deadlines) as o (event_id, order_id, expires_at);
end
$$;

comment on function rowlock.overdue_orders(integer, integer, integer) is
    'Pending orders more than a grace period (in milliseconds) past their deadline, longest overdue first.';
grant execute on function rowlock.overdue_orders(integer, integer, integer) to rowlock_app;
