-- Expires orders of one event whose deadline has passed and puts their seats back on sale. Returns one row per distinct order:
--   expired          it was due
--   not_due          its deadline is still due_in_ms away
--   not_pending      it was already paid, cancelled or expired
--   order_not_found  no such order
--
-- It waits for the orders' locks and judges each order once it holds the lock: a payment that meets the deadline has either committed, and
-- the order is no longer pending, or waits here and finds it expired.
--
-- Locks: orders (by id), seats (section_no, seat_no), sections (section_no).
-- Errors: RL010 if an order does not hold a seat it lists: the whole batch is undone.
create or replace function rowlock.expire_orders(p_event_id bigint, p_order_ids uuid[])
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
    v_statuses  rowlock.order_status[];
    v_left_ms   integer[];
    v_rows      tid[];
    v_due       tid[];
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
        for update
    ) o on true;

    select array_agg(o.order_row) into v_due
    from unnest(v_rows, v_statuses, v_left_ms) as o (order_row, status, left_ms)
    where o.status = 'pending_payment' and o.left_ms = 0;

    if v_due is not null then
        perform rowlock._release_orders(
            p_event_id => p_event_id, p_order_rows => v_due, p_status => 'expired', p_at => date_trunc('milliseconds', clock_timestamp())
        );
    end if;

    if exists (select from rowlock.expiry_failures f where f.event_id = p_event_id) then
        delete from rowlock.expiry_failures f
        using unnest(v_order_ids, v_statuses, v_left_ms) as o (order_id, status, left_ms)
        where f.event_id = p_event_id and f.order_id = o.order_id and (o.status <> 'pending_payment' or o.left_ms = 0);
    end if;

    return query
    select o.order_id,
        case when o.status is null then 'order_not_found'
            when o.status <> 'pending_payment' then 'not_pending'
            when o.left_ms > 0 then 'not_due'
            else 'expired' end,
        case when o.status = 'pending_payment' and o.left_ms > 0 then o.left_ms end
    from unnest(v_order_ids, v_statuses, v_left_ms) as o (order_id, status, left_ms);
end
$$;

comment on function rowlock.expire_orders(bigint, uuid[]) is
    'Expires overdue pending orders of one event and puts their seats back on sale.';
grant execute on function rowlock.expire_orders(bigint, uuid[]) to rowlock_app;
