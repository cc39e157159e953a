-- Tries to claim the seats of an expired or cancelled order again, for money that came late, and pays it. p_order_row: where the locked row
-- of the order is.
--
-- Returns false, having changed nothing, if the event is not on sale at this moment, the customer's limit would be exceeded, or a seat is
-- not available or is locked by somebody: nobody waits behind another customer's claim.
--
-- Locks: seats (SKIP LOCKED), then sections (section_no). The caller has locked the order and holds the customer's advisory lock, without
-- which two transactions could both find room under the limit.
create or replace function rowlock._reclaim_order(p_event_id bigint, p_order_row tid, p_at timestamptz)
returns boolean
language plpgsql
as $$
declare
    v_customer_id text;
    v_section_nos integer[];
    v_seat_nos    integer[];
    v_limit       integer;
    v_live_seats  integer;
    v_rows        tid[];
begin
    select o.customer_id, o.section_nos, o.seat_nos into strict v_customer_id, v_section_nos, v_seat_nos
    from rowlock.orders o
    where o.ctid = p_order_row;

    select e.seats_per_customer into v_limit
    from rowlock.events e
    where e.event_id = p_event_id and rowlock._is_on_sale(e.status, e.on_sale_at, e.off_sale_at);
    if not found then
        return false;
    end if;

    select l.live_seats into v_live_seats from rowlock._live_orders(p_event_id, v_customer_id, null) l;
    if rowlock._exceeds_limit(v_live_seats, cardinality(v_seat_nos), v_limit) then
        return false;
    end if;

    select l.o_seat_rows into v_rows from rowlock._lock_available_seats(p_event_id, v_section_nos, v_seat_nos) l;
    if array_position(v_rows, null) is not null then
        return false;
    end if;

    perform rowlock._pay_orders(p_event_id => p_event_id, p_order_rows => array[p_order_row], p_from => 'available', p_at => p_at);
    return true;
end
$$;

comment on function rowlock._reclaim_order(bigint, tid, timestamptz) is
    'Claims a late order''s seats again and pays it, if they are on sale, all of them are free, and the limit holds.';
