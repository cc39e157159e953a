-- Pays orders: they become paid, their seats sold, one ticket is issued per seat, and the counts move.
--
-- p_order_rows: where the locked rows of the orders are. p_from: 'held' for pending orders, 'available' for late ones that claim their
-- seats again. A seat that is not in that status (held by this very order, or available) fails the batch: an order must never be paid
-- without its tickets.
--
-- Locks: seats (section_no, seat_no), then sections (section_no). The update takes the seats in the order of the arrays, because the
-- granted functions that call this allow only nested loops as joins.
-- Errors: RL009 if a seat, a ticket or an order is missing; 23505 if a seat already has a ticket.
create or replace function rowlock._pay_orders(p_event_id bigint, p_order_rows tid[], p_from rowlock.seat_status, p_at timestamptz)
returns void
language plpgsql
as $$
declare
    v_ended record;
    v_count bigint;
begin
    v_ended := rowlock._end_orders(
        p_order_rows => p_order_rows,
        p_from => case p_from when 'held' then '{pending_payment}' else '{expired, cancelled}' end::rowlock.order_status[],
        p_status => 'paid', p_at => p_at
    );

    with sold as (
        update rowlock.seats s
        set status = 'sold', order_id = w.order_id
        from unnest(v_ended.o_section_nos, v_ended.o_seat_nos, v_ended.o_order_ids) as w (section_no, seat_no, order_id)
        where s.event_id = p_event_id and s.section_no = w.section_no and s.seat_no = w.seat_no
            and s.status = p_from and (s.order_id = w.order_id or p_from = 'available')
        returning s.section_no, s.seat_no, s.order_id
    )
    insert into rowlock.tickets (event_id, section_no, seat_no, order_id, issued_at)
    select p_event_id, s.section_no, s.seat_no, s.order_id, p_at
    from sold s;
    get diagnostics v_count = row_count;
    perform rowlock._assert_rows(v_count, cardinality(v_ended.o_seat_nos), 'tickets of paid seats');

    perform rowlock._move_seat_counts(
        p_event_id => p_event_id, p_section_nos => v_ended.o_section_nos, p_seat_nos => v_ended.o_seat_nos, p_from => p_from, p_to => 'sold'
    );
end
$$;

comment on function rowlock._pay_orders(bigint, tid[], rowlock.seat_status, timestamptz) is
    'Makes orders paid and their seats sold, with one ticket each.';
