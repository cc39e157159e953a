-- Pays orders: their seats become sold, one ticket is issued a seat, the orders are paid, the counts move.
--
-- p_from says where the seats come from: 'held' for pending orders, 'available' for late ones that claim their seats again. A seat
-- that is not what p_from says (held by this very order, or available) fails the batch: paid without a ticket must be impossible.
--
-- Locks: seats (section_no, seat_no), then sections (section_no). The caller has locked the orders and checked their status.
-- Errors: RL010 if a seat, a ticket or an order is missing; 23505 if a seat already has a ticket.
create or replace function rowlock._pay_orders(p_event_id bigint, p_order_ids uuid[], p_from rowlock.seat_status, p_at timestamptz)
returns void
language plpgsql
as $function$
#variable_conflict use_column
declare
    v_section_nos integer[];
    v_seat_nos    integer[];
    v_order_ids   uuid[];
    v_changed     integer;
begin
    update rowlock.orders o
    set status = 'paid', ended_at = p_at
    where o.event_id = p_event_id and o.order_id = any (p_order_ids)
        and (o.status = 'pending_payment' or p_from = 'available' and o.status in ('expired', 'cancelled'));
    get diagnostics v_changed = row_count;
    perform rowlock._assert_rows(v_changed, cardinality(p_order_ids), 'orders that can be paid');

    select array_agg(s.section_no order by s.section_no, s.seat_no), array_agg(s.seat_no order by s.section_no, s.seat_no),
        array_agg(o.order_id order by s.section_no, s.seat_no)
    into v_section_nos, v_seat_nos, v_order_ids
    from rowlock.orders o
    cross join unnest(o.section_nos, o.seat_nos) as s (section_no, seat_no)
    where o.event_id = p_event_id and o.order_id = any (p_order_ids);

    with locked as materialized (
        select s.place, w.order_id
        from unnest(v_section_nos, v_seat_nos, v_order_ids) as w (section_no, seat_no, order_id)
        cross join lateral (
            select s.ctid as place
            from rowlock.seats s
            where s.event_id = p_event_id and s.section_no = w.section_no and s.seat_no = w.seat_no
                and s.status = p_from and (s.order_id = w.order_id or p_from = 'available')
            for no key update
        ) s
    ), sold as (
        update rowlock.seats s
        set status = 'sold', order_id = l.order_id
        from locked l
        where s.ctid = l.place
        returning s.section_no, s.seat_no, s.order_id
    )
    insert into rowlock.tickets (event_id, section_no, seat_no, order_id, issued_at)
    select p_event_id, s.section_no, s.seat_no, s.order_id, p_at
    from sold s;
    get diagnostics v_changed = row_count;
    perform rowlock._assert_rows(v_changed, cardinality(v_seat_nos), 'tickets of paid seats');

    perform rowlock._move_seat_counts(p_event_id, v_section_nos, v_seat_nos, p_from, 'sold');
end
$function$;

comment on function rowlock._pay_orders(bigint, uuid[], rowlock.seat_status, timestamptz) is
    'Makes orders paid and their seats sold, with a ticket each. Private.';
revoke all on function rowlock._pay_orders(bigint, uuid[], rowlock.seat_status, timestamptz) from public;
