-- Settles one payment notice whose identity (provider, provider_reference) is already recorded.
--
-- p_fresh: the row was recorded for this very notice, as owed back, by the calling batch. Otherwise the notice is compared with what an
-- earlier one left:
--   another order                                      payment_conflict
--   failed before, succeeded now                       new money, whatever the amount: gateways retry one payment under one id
--   the same amount and currency                       duplicate (also a failure after a success)
--   another amount or currency                         payment_conflict
-- A duplicate and a conflict change nothing. o_recorded: the outcome of a duplicate when it was settled, otherwise null.
--
-- Locks: the payment's row; then as _spend_payment.
create or replace function rowlock._settle_payment(
    p_event_id           bigint,
    p_order_id           uuid,
    p_provider           text,
    p_provider_reference text,
    p_amount_minor       bigint,
    p_currency           text,
    p_succeeded          boolean,
    p_fresh              boolean,
    p_at                 timestamptz,
    out o_outcome        text,
    out o_recorded       rowlock.payment_outcome
)
language plpgsql
as $$
declare
    v_recorded rowlock.payments;
    v_outcome  rowlock.payment_outcome;
begin
    if not p_fresh then
        select p.* into strict v_recorded
        from rowlock.payments p
        where p.event_id = p_event_id and p.provider = p_provider and p.provider_reference = p_provider_reference
        for update;
        if v_recorded.order_id <> p_order_id then
            o_outcome := 'payment_conflict';
            return;
        end if;
        if v_recorded.status = 'succeeded' or not p_succeeded then
            if v_recorded.amount_minor = p_amount_minor and v_recorded.currency = p_currency then
                o_outcome := 'duplicate';
                o_recorded := v_recorded.outcome;
            else
                o_outcome := 'payment_conflict';
            end if;
            return;
        end if;
    end if;
    if not p_succeeded then
        o_outcome := 'failed_recorded';
        return;
    end if;

    v_outcome := rowlock._spend_payment(
        p_event_id => p_event_id, p_order_id => p_order_id, p_amount_minor => p_amount_minor, p_currency => p_currency, p_at => p_at
    );
    if not p_fresh or v_outcome <> 'refund_due' then
        update rowlock.payments p
        set status = 'succeeded', outcome = v_outcome, amount_minor = p_amount_minor, currency = p_currency, received_at = p_at
        where p.event_id = p_event_id and p.provider = p_provider and p.provider_reference = p_provider_reference;
    end if;
    o_outcome := v_outcome::text;
end
$$;

comment on function rowlock._settle_payment(bigint, uuid, text, text, bigint, text, boolean, boolean, timestamptz) is
    'Settles one recorded payment notice against its order.';
