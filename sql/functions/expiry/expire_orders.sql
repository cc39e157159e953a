-- Expires orders of one event whose deadline has passed and puts their seats back on sale. Returns one row per distinct order:
--   expired          it was due
--   not_due          its deadline is still due_in_ms away
--   not_pending      it was already paid, cancelled or expired
--   locked           somebody else has locked it, so that its turn is not now: a payment may be deciding it
--   order_not_found  no such order
--
-- It judges each order once it holds the lock: a payment that meets the deadline either came first, and the order is locked or no longer
-- pending, or it waits and finds the order expired.
--
-- Seats and sections are waited for, since a release must skip none. If that takes too long (55P03), everything is undone, and the caller
-- calls again with p_passes_locks: then orders whose seats or sections somebody else keeps locked are answered as locked, too, and keep
-- nobody else's seats held.
--
-- Locks: orders (by id), passing over locked ones; seats (section_no, seat_no); sections (section_no). With p_passes_locks, see
-- _lock_unhindered.
-- Errors: RL009 if an order does not hold a seat it lists: the whole call is undone.
create or replace function rowlock.expire_orders(p_event_id bigint, p_order_ids uuid[], p_passes_locks boolean default false)
returns table (order_id uuid, outcome text, due_in_ms integer)
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_order_ids uuid[];
    v_statuses  rowlock.order_status[];  -- null: locked, or not found
    v_left_ms   integer[];
    v_rows      tid[];
    v_due       tid[];
    v_others    rowlock.order_status[];  -- statuses of the orders that are locked
begin
    select array_agg(i.order_id), array_agg(o.status), array_agg(o.left_ms), array_agg(o.order_row)
    into v_order_ids, v_statuses, v_left_ms, v_rows
    from (select distinct i.order_id from unnest(p_order_ids) as i (order_id) order by i.order_id) i
    left join lateral (
        select o.ctid as order_row, o.status,
            least(greatest(ceil(extract(epoch from o.expires_at - clock_timestamp()) * 1000), 0), 2147483647)::integer as left_ms
        from rowlock.orders o
        where o.event_id = p_event_id and o.order_id = i.order_id
        limit 1
        for update skip locked
    ) o on true;

    select array_agg(o.order_row) into v_due
    from unnest(v_rows, v_statuses, v_left_ms) as o (order_row, status, left_ms)
    where o.status = 'pending_payment' and o.left_ms = 0;
    if p_passes_locks and v_due is not null then
        v_due := rowlock._lock_unhindered(p_event_id, v_due);
        v_statuses := array(
            select case when o.status <> 'pending_payment' or o.left_ms > 0 or o.order_row = any (v_due) then o.status end
            from unnest(v_rows, v_statuses, v_left_ms) with ordinality as o (order_row, status, left_ms, order_no)
            order by o.order_no
        );
    end if;

    if cardinality(v_due) > 0 then
        perform rowlock._release_orders(
            p_event_id => p_event_id, p_order_rows => v_due, p_status => 'expired', p_at => date_trunc('milliseconds', clock_timestamp())
        );
    end if;

    if exists (select from rowlock.expiry_failures f where f.event_id = p_event_id) then
        delete from rowlock.expiry_failures f
        using unnest(v_order_ids, v_statuses, v_left_ms) as o (order_id, status, left_ms)
        where f.event_id = p_event_id and f.order_id = o.order_id and o.status is not null
            and (o.status <> 'pending_payment' or o.left_ms = 0);
    end if;

    if array_position(v_statuses, null) is not null then
        v_others := array(
            select o.status
            from unnest(v_order_ids, v_statuses) with ordinality as i (order_id, status, order_no)
            left join lateral (
                select o.status
                from rowlock.orders o
                where i.status is null and o.event_id = p_event_id and o.order_id = i.order_id
                limit 1
            ) o on true
            order by i.order_no
        );
    end if;
    return query
    select o.order_id,
        case when coalesce(o.status, o.other) is null then 'order_not_found'
            when coalesce(o.status, o.other) <> 'pending_payment' then 'not_pending'
            when o.status is null then 'locked'
            when o.left_ms > 0 then 'not_due'
            else 'expired' end,
        case when o.status = 'pending_payment' and o.left_ms > 0 then o.left_ms end
    from unnest(v_order_ids, v_statuses, v_left_ms, v_others) as o (order_id, status, left_ms, other);
end
$$;

comment on function rowlock.expire_orders(bigint, uuid[], boolean) is
    'Expires overdue pending orders of one event and puts their seats back on sale.';
grant execute on function rowlock.expire_orders(bigint, uuid[], boolean) to rowlock_app;
