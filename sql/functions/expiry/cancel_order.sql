-- Cancels a customer's pending order and puts its seats back on sale. Cancelling a cancelled order returns it unchanged. Refusals:
-- order_not_found if this customer has no such order, order_not_pending if it is neither pending nor cancelled.
--
-- Locks: the order, its seats (section_no, seat_no), sections (section_no).
-- Errors: RL009 if it does not hold a seat it lists.
create or replace function rowlock.cancel_order(p_event_id bigint, p_order_id uuid, p_customer_id text)
returns rowlock.order_answer
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_row       tid;
    v_status    rowlock.order_status;
    v_refusal   text;
    v_objection text;
begin
    select l.o_row, l.o_status into v_row, v_status
    from rowlock._lock_order(p_event_id, p_order_id, p_customer_id) l;
    if v_status = 'pending_payment' then
        perform rowlock._release_orders(
            p_event_id => p_event_id, p_order_rows => array[v_row], p_status => 'cancelled',
            p_at => date_trunc('milliseconds', clock_timestamp())
        );
    elsif v_status is null then
        v_refusal := 'order_not_found';
    elsif v_status <> 'cancelled' then
        v_refusal := 'order_not_pending';
        v_objection := rowlock._not_pending_objection(p_order_id, v_status);
    end if;
    return rowlock._order_answer(
        p_event_id => p_event_id, p_order_id => p_order_id, p_customer_id => p_customer_id, p_refusal => v_refusal,
        p_objection => v_objection
    );
end
$$;

comment on function rowlock.cancel_order(bigint, uuid, text) is 'Cancels a customer''s pending order and puts its seats back on sale.';
grant execute on function rowlock.cancel_order(bigint, uuid, text) to rowlock_app;
