-- Ends orders: sets them to p_status, and returns their seats in lock order, one element per seat: its section, its number and its order.
--
-- p_order_rows: where the locked rows of the orders are. p_from: the statuses they may have now. A condition on the event would let a plan
-- that is made while the table is small read all orders of the event, and compare each with each row.
--
-- Locks: none beyond the callers'.
-- Errors: RL009 if an order has another status.
create or replace function rowlock._end_orders(
    p_order_rows      tid[],
    p_from            rowlock.order_status[],
    p_status          rowlock.order_status,
    p_at              timestamptz,
    out o_section_nos integer[],
    out o_seat_nos    integer[],
    out o_order_ids   uuid[]
)
language plpgsql
as $$
declare
    v_count bigint;
begin
    with ended as (
        update rowlock.orders o
        set status = p_status, ended_at = p_at
        where o.ctid = any (p_order_rows) and o.status = any (p_from)
        returning o.order_id, o.section_nos, o.seat_nos
    ), listed as (
        select e.order_id, s.section_no, s.seat_no, s.place
        from ended e
        cross join unnest(e.section_nos, e.seat_nos) with ordinality as s (section_no, seat_no, place)
        order by s.section_no, s.seat_no
    )
    select array_agg(l.section_no), array_agg(l.seat_no), array_agg(l.order_id), count(*) filter (where l.place = 1)
    into o_section_nos, o_seat_nos, o_order_ids, v_count
    from listed l;
    perform rowlock._assert_rows(v_count, cardinality(p_order_rows), format('orders that can become %s', p_status));
end
$$;

comment on function rowlock._end_orders(tid[], rowlock.order_status[], rowlock.order_status, timestamptz) is
    'Sets orders to their final status and returns their seats.';
