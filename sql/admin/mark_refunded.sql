-- Records that a payment that was owed back has been refunded, and returns the status of its order (null if the notice named no known
-- order).
--
-- One payment per call, because gateways refund payments. Of a payment that was reversed it records that somebody has looked, and that the
-- money has gone back one way or the other. An order that is refund_due becomes refunded when nothing more is owed for it,
-- and keeps the time at which it was found to need a refund; any other order does not change: it was paid twice, or wrongly while it was
-- pending.
--
-- Locks: the order, whose lock settle_payments takes before it records more money for it; then the payment.
-- Errors: RL006 (also for a payment that is unknown, is not owed back, or was refunded before).
create or replace function admin.mark_refunded(p_event_id bigint, p_provider text, p_provider_reference text, p_reason text) returns text
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
declare
    v_reason     constant text := rowlock._check_reason(p_reason);
    v_payment    rowlock.payments;
    v_refunded   rowlock.payments;
    v_status     rowlock.order_status;
    v_status_now rowlock.order_status;
begin
    select p.* into v_payment
    from rowlock.payments p
    where p.event_id = p_event_id and p.provider = p_provider and p.provider_reference = p_provider_reference;
    if not found then
        perform rowlock._invalid_request('provider_reference', format('"%s" of %s is not a payment of event %s', p_provider_reference,
            coalesce(p_provider, 'no provider'), coalesce(p_event_id::text, 'without an id')));
    end if;
    -- A payment never moves to another order.
    select o.status into v_status
    from rowlock.orders o
    where o.event_id = p_event_id and o.order_id = v_payment.order_id
    for update;

    update rowlock.payments p
    set refunded_at = date_trunc('milliseconds', clock_timestamp())
    where p.event_id = p_event_id and p.provider = p_provider and p.provider_reference = p_provider_reference
        and p.outcome = 'refund_due' and p.refunded_at is null
    returning p.* into v_refunded;
    if not found then
        select p.* into v_payment
        from rowlock.payments p
        where p.event_id = p_event_id and p.provider = p_provider and p.provider_reference = p_provider_reference;
        perform rowlock._invalid_request('provider_reference', case
            when v_payment.refunded_at is not null then format('was already refunded at %s', v_payment.refunded_at)
            else format('is not owed back: its outcome is %s', v_payment.outcome) end);
    end if;

    v_status_now := case when rowlock._close_refund(p_event_id, v_payment.order_id) then 'refunded' else v_status end;
    perform rowlock._log_action(
        p_function => 'admin.mark_refunded', p_event_id => p_event_id, p_order_id => v_payment.order_id, p_reason => v_reason,
        p_arguments => jsonb_build_object('provider', p_provider, 'provider_reference', p_provider_reference),
        p_before => jsonb_build_object('order', v_status, 'refunded_at', null),
        p_after => jsonb_build_object('order', v_status_now, 'refunded_at', v_refunded.refunded_at,
            'amount_minor', v_refunded.amount_minor, 'currency', v_refunded.currency)
    );
    return v_status_now::text;
end
$$;

comment on function admin.mark_refunded(bigint, text, text, text) is
    'Records that a payment that was owed back has been refunded; returns the status of its order. For rowlock_admin.';
grant execute on function admin.mark_refunded(bigint, text, text, text) to rowlock_admin;
