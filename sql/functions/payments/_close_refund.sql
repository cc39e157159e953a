-- Makes an order that is refund_due refunded if nothing more is owed for it; returns whether it did.
--
-- Locks: none beyond the caller's, which has locked the order: no more money is recorded for it meanwhile.
create or replace function rowlock._close_refund(p_event_id bigint, p_order_id uuid) returns boolean
language plpgsql
as $$
begin
    update rowlock.orders o
    set status = 'refunded'
    where o.event_id = p_event_id and o.order_id = p_order_id and o.status = 'refund_due'
        and not exists (
            select
            from rowlock.payments p
            where p.event_id = p_event_id and p.order_id = p_order_id and p.outcome = 'refund_due' and p.refunded_at is null
        );
    return found;
end
$$;

comment on function rowlock._close_refund(bigint, uuid) is 'Makes an order refunded if nothing more is owed for it.';
