-- Ends pending orders without a sale: they become p_status (expired or cancelled), and their seats are available again.
--
-- p_order_rows: where the locked rows of the orders are. Releasing waits for locks and never skips one: a skipped seat would stay held
-- forever.
--
-- Locks: seats (section_no, seat_no), then sections (section_no). The update takes the seats in the order of the arrays, because the
-- granted functions that call this allow only nested loops as joins.
-- Errors: RL009 if an order is not pending or does not hold every seat it lists.
create or replace function rowlock._release_orders(p_event_id bigint, p_order_rows tid[], p_status rowlock.order_status, p_at timestamptz)
returns void
language plpgsql
as $$
declare
    v_ended record;
    v_count bigint;
begin
    v_ended := rowlock._end_orders(
        p_order_rows => p_order_rows, p_from => '{pending_payment}', p_status => p_status, p_at => p_at
    );

    update rowlock.seats s
    set status = 'available', order_id = null
    from unnest(v_ended.o_section_nos, v_ended.o_seat_nos, v_ended.o_order_ids) as w (section_no, seat_no, order_id)
    where s.event_id = p_event_id and s.section_no = w.section_no and s.seat_no = w.seat_no
        and s.status = 'held' and s.order_id = w.order_id;
    get diagnostics v_count = row_count;
    perform rowlock._assert_rows(v_count, cardinality(v_ended.o_seat_nos), 'seats held by their orders');

    perform rowlock._move_seat_counts(
        p_event_id => p_event_id, p_section_nos => v_ended.o_section_nos, p_seat_nos => v_ended.o_seat_nos, p_from => 'held',
        p_to => 'available'
    );
end
$$;

comment on function rowlock._release_orders(bigint, tid[], rowlock.order_status, timestamptz) is
    'Ends pending orders as expired or cancelled and puts their seats back on sale.';
