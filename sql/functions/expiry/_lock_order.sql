-- Locks a customer's order, and returns where its row is, its status and its seats; nulls if this customer has no such order.
--
-- Locks: the order.
create or replace function rowlock._lock_order(
    p_event_id        bigint,
    p_order_id        uuid,
    p_customer_id     text,
    out o_row         tid,
    out o_status      rowlock.order_status,
    out o_section_nos integer[],
    out o_seat_nos    integer[]
)
language plpgsql
as $$
begin
    select o.ctid, o.status, o.section_nos, o.seat_nos into o_row, o_status, o_section_nos, o_seat_nos
    from rowlock.orders o
    where o.event_id = p_event_id and o.order_id = p_order_id and o.customer_id = p_customer_id
    for update;
end
$$;

comment on function rowlock._lock_order(bigint, uuid, text) is 'Locks a customer''s order.';
