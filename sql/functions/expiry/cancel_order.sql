-- Cancels a customer's pending order and puts its seats back on sale. Cancelling a cancelled order returns it unchanged.
--
-- Locks: the order, its seats (section_no, seat_no), sections (section_no).
-- Errors: RL004 if this customer has no such order; RL006 if it is neither pending nor cancelled; RL010 if it does not hold a seat it
-- lists.
create or replace function rowlock.cancel_order(p_event_id bigint, p_order_id uuid, p_customer_id text)
returns setof rowlock.order_row
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_row    tid;
    v_status rowlock.order_status;
begin
    select l.o_row, l.o_status into v_row, v_status
    from rowlock._lock_order(p_event_id, p_order_id, p_customer_id) l;
    if v_status = 'pending_payment' then
        perform rowlock._release_orders(
            p_event_id => p_event_id, p_order_rows => array[v_row], p_status => 'cancelled',
            p_at => date_trunc('milliseconds', clock_timestamp())
        );
    elsif v_status <> 'cancelled' then
        perform rowlock._order_not_pending(p_order_id, v_status);
    end if;
    return query
    select o.event_id, o.order_id, o.customer_id, o.status, o.section_nos, o.seat_nos, o.amount_minor, o.currency, o.created_at,
        o.expires_at, o.ended_at
    from rowlock.get_order(p_event_id, p_order_id, p_customer_id) o;
end
$$;

comment on function rowlock.cancel_order(bigint, uuid, text) is 'Cancels a customer''s pending order and puts its seats back on sale.';
grant execute on function rowlock.cancel_order(bigint, uuid, text) to rowlock_app;
