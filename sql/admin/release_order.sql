-- Ends a pending order as cancelled, just as its customer could, puts its seats back on sale, and returns how many. Late money for it is
-- treated as for any cancelled order: it buys the seats as long as they are on sale and free, as anybody's would. If its expiry was given
-- up, that record is deleted.
--
-- Locks: the order, its seats (section_no, seat_no), sections (section_no).
-- Errors: RL004, RL005 if it is not pending, RL006, RL009 if it does not hold a seat it lists.
create or replace function admin.release_order(p_event_id bigint, p_order_id uuid, p_reason text) returns integer
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
declare
    v_reason      constant text := rowlock._check_reason(p_reason);
    v_customer_id text;
    v_order       record;
    v_seats       text;
begin
    select o.customer_id into v_customer_id from rowlock.orders o where o.event_id = p_event_id and o.order_id = p_order_id;
    v_order := rowlock._lock_order(p_event_id, p_order_id, v_customer_id);
    if v_order.o_status is null then
        raise exception using
            errcode = 'RL004',
            message = 'order_not_found',
            detail = format('there is no order %s of event %s', coalesce(p_order_id::text, 'without an id'), p_event_id);
    end if;
    -- A customer may cancel twice; an operator who releases an order should learn that it had already ended.
    if v_order.o_status <> 'pending_payment' then
        raise exception using
            errcode = 'RL005',
            message = 'order_not_pending',
            detail = rowlock._not_pending_objection(p_order_id, v_order.o_status);
    end if;
    v_seats := rowlock._format_seats(p_event_id, v_order.o_section_nos, v_order.o_seat_nos);
    perform rowlock.cancel_order(p_event_id, p_order_id, v_customer_id);
    delete from rowlock.expiry_failures f where f.event_id = p_event_id and f.order_id = p_order_id;
    perform rowlock._log_action(
        p_function => 'admin.release_order', p_event_id => p_event_id, p_order_id => p_order_id, p_reason => v_reason, p_arguments => '{}',
        p_before => jsonb_build_object('status', v_order.o_status, 'held', v_seats),
        p_after => jsonb_build_object('status', 'cancelled', 'available', v_seats)
    );
    return cardinality(v_order.o_seat_nos);
end
$$;

comment on function admin.release_order(bigint, uuid, text) is
    'Ends a pending order as cancelled and puts its seats back on sale; returns how many. For rowlock_admin.';
grant execute on function admin.release_order(bigint, uuid, text) to rowlock_admin;
