-- Settles another notice for a payment that is recorded with the same order, amount and currency. p_recorded: its row, locked.
--   succeeded twice, failed twice   duplicate
--   failed after it had succeeded   reversal_recorded: a charge-back, or a transfer that bounced; or a failed attempt whose message comes
--                                   late. A person decides: the order keeps its tickets, and money that is owed back stays listed
--   the same again                  duplicate
-- o_recorded: the outcome of a duplicate when it was first settled, otherwise null.
--
-- The ids of failures are kept, so that one that is repeated after the payment succeeded is not taken for a reversal. No gateway needs 100.
--
-- Locks: none beyond the caller's, which has locked the order.
create or replace function rowlock._repeat_notice(
    p_recorded     rowlock.payments,
    p_succeeded    boolean,
    p_message_id   text,
    p_at           timestamptz,
    out o_outcome  text,
    out o_recorded text
)
language plpgsql
as $$
begin
    o_outcome := 'duplicate';
    if p_succeeded then
        o_recorded := p_recorded.outcome;
    elsif p_recorded.reversed_at is not null then
        o_recorded := 'reversal_recorded';
    elsif p_recorded.status = 'failed' then
        o_recorded := 'failed_recorded';
        if cardinality(p_recorded.failed_message_ids) < 100 then
            update rowlock.payments p
            set failed_message_ids = p.failed_message_ids || p_message_id
            where p.event_id = p_recorded.event_id and p.provider = p_recorded.provider
                and p.provider_reference = p_recorded.provider_reference;
        end if;
    else
        o_outcome := 'reversal_recorded';
        update rowlock.payments p
        set reversed_at = p_at
        where p.event_id = p_recorded.event_id and p.provider = p_recorded.provider
            and p.provider_reference = p_recorded.provider_reference;
    end if;
end
$$;

comment on function rowlock._repeat_notice(rowlock.payments, boolean, text, timestamptz) is
    'Settles another notice for a recorded payment: a duplicate, or the reversal of one that had succeeded.';
