-- Decides what money that has arrived for an order buys, paid, late_reclaimed or nothing (refund_due), and does it.
--
--   pending, right money    paid
--   pending, wrong money    refund_due; the order keeps waiting for the right payment
--   expired or cancelled    late_reclaimed if the money is right and the seats can be claimed again, otherwise refund_due, as the order
--   paid, costs nothing     paid for a payment of nothing, which some gateways report: no money moved, and none is owed back
--   anything else           refund_due: the order already has its money, or its refund, and does not change
--   unknown order           refund_due
--
-- An order that had already lost its seats ends a second time: rowlock.late_orders keeps the first end. A pending order past its deadline
-- is still pending: whoever locks its row first, payment or expiry, decides.
--
-- Locks: as _lock_settlement, which the caller has called after locking the order.
create or replace function rowlock._spend_payment(
    p_event_id     bigint,
    p_order_id     uuid,
    p_amount_minor bigint,
    p_currency     text,
    p_at           timestamptz
)
returns rowlock.payment_outcome
language plpgsql
as $$
declare
    v_row    tid;
    v_status rowlock.order_status;
    v_right  boolean;
    v_costs  bigint;
begin
    select o.ctid, o.status, o.amount_minor = p_amount_minor and e.currency = p_currency, o.amount_minor
    into v_row, v_status, v_right, v_costs
    from rowlock.orders o
    join rowlock.events e on e.event_id = o.event_id
    where o.event_id = p_event_id and o.order_id = p_order_id;

    case
        when v_status = 'pending_payment' and v_right then
            perform rowlock._pay_orders(p_event_id => p_event_id, p_order_rows => array[v_row], p_from => 'held', p_at => p_at);
            return 'paid'::rowlock.payment_outcome;
        when v_status in ('expired', 'cancelled') then
            insert into rowlock.late_orders (event_id, order_id, released_as, released_at)
            select o.event_id, o.order_id, o.status, o.ended_at from rowlock.orders o where o.ctid = v_row
            on conflict do nothing;
            if v_right and rowlock._reclaim_order(p_event_id, v_row, p_at) then
                return 'late_reclaimed'::rowlock.payment_outcome;
            end if;
            update rowlock.orders o
            set status = 'refund_due', ended_at = p_at
            where o.ctid = v_row;
        when v_status = 'paid' and v_costs = 0 and p_amount_minor = 0 then
            return 'paid'::rowlock.payment_outcome;
        else null;
    end case;
    return 'refund_due'::rowlock.payment_outcome;
end
$$;

comment on function rowlock._spend_payment(bigint, uuid, bigint, text, timestamptz) is
    'What money that has arrived buys: the seats, the seats claimed again, or a refund.';
