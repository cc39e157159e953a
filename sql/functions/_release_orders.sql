-- Ends pending orders without a sale: they become p_status (expired, cancelled or refund_due), their seats available again.
--
-- Releasing waits for locks and never skips: a skipped seat would stay held for ever.
--
-- Locks: seats (section_no, seat_no), then sections (section_no). The caller has locked the orders and found them pending.
-- Errors: RL010 if an order is not pending or does not hold every seat it lists.
create or replace function rowlock._release_orders(p_event_id bigint, p_order_ids uuid[], p_status rowlock.order_status, p_at timestamptz)
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
    set status = p_status, ended_at = p_at
    where o.event_id = p_event_id and o.order_id = any (p_order_ids) and o.status = 'pending_payment';
    get diagnostics v_changed = row_count;
    perform rowlock._assert_rows(v_changed, cardinality(p_order_ids), 'pending orders');

    select array_agg(s.section_no order by s.section_no, s.seat_no), array_agg(s.seat_no order by s.section_no, s.seat_no),
        array_agg(o.order_id order by s.section_no, s.seat_no)
    into v_section_nos, v_seat_nos, v_order_ids
    from rowlock.orders o
    cross join unnest(o.section_nos, o.seat_nos) as s (section_no, seat_no)
    where o.event_id = p_event_id and o.order_id = any (p_order_ids);

    with locked as materialized (
        select s.place
        from unnest(v_section_nos, v_seat_nos, v_order_ids) as w (section_no, seat_no, order_id)
        cross join lateral (
            select s.ctid as place
            from rowlock.seats s
            where s.event_id = p_event_id and s.section_no = w.section_no and s.seat_no = w.seat_no
                and s.status = 'held' and s.order_id = w.order_id
            for no key update
        ) s
    )
    update rowlock.seats s
    set status = 'available', order_id = null
    from locked l
    where s.ctid = l.place;
    get diagnostics v_changed = row_count;
    perform rowlock._assert_rows(v_changed, cardinality(v_seat_nos), 'seats held by their orders');

    perform rowlock._move_seat_counts(p_event_id, v_section_nos, v_seat_nos, 'held', 'available');
end
$function$;

comment on function rowlock._release_orders(bigint, uuid[], rowlock.order_status, timestamptz) is
    'Ends pending orders as expired, cancelled or refund_due and puts their seats on sale again. Private.';
revoke all on function rowlock._release_orders(bigint, uuid[], rowlock.order_status, timestamptz) from public;
