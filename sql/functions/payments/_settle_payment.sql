-- Settles one payment notice whose identity (provider, provider_reference) is already recorded.
--
-- p_fresh: the row was recorded for this very notice, as owed back, by the calling batch. Otherwise the notice is compared with what an
-- earlier one left:
--   another order                           payment_conflict
--   failed, in a message that came before   duplicate: gateways repeat a message whose answer they lost, even after a later one
--   failed before, succeeded now            new money, whatever the amount: gateways retry one payment under one id
--   another amount or currency              payment_conflict
--   everything else                         see _repeat_notice
-- A conflict changes nothing. o_recorded: the outcome of a duplicate when it was settled, otherwise null.
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
    p_message_id         text,
    p_fresh              boolean,
    p_at                 timestamptz,
    out o_outcome        text,
    out o_recorded       text
)
language plpgsql
as $$
declare
    v_recorded rowlock.payments;
    v_outcome  rowlock.payment_outcome;
    v_repeat   record;  -- see _repeat_notice
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
        if not p_succeeded and p_message_id = any (v_recorded.failed_message_ids) then
            o_outcome := 'duplicate';
            o_recorded := 'failed_recorded';
            return;
        end if;
        if v_recorded.status = 'succeeded' or not p_succeeded then
            if v_recorded.amount_minor <> p_amount_minor or v_recorded.currency <> p_currency then
                o_outcome := 'payment_conflict';
                return;
            end if;
            v_repeat := rowlock._repeat_notice(
                p_recorded => v_recorded, p_succeeded => p_succeeded, p_message_id => p_message_id, p_at => p_at
            );
            o_outcome := v_repeat.o_outcome;
            o_recorded := v_repeat.o_recorded;
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

comment on function rowlock._settle_payment(bigint, uuid, text, text, bigint, text, boolean, text, boolean, timestamptz) is
    'Settles one recorded payment notice against its order.';
