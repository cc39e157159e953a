-- Lists payments of an event that are owed back and not yet refunded, oldest first, at most p_limit (1 to 1000). One that was reversed has
-- its reversed_at: the gateway knows whether anything is owed still.
--
-- Locks: none. Errors: RL006 for a limit out of bounds.
create or replace function rowlock.refunds_due(p_event_id bigint, p_limit integer)
returns table (
    provider           text,
    provider_reference text,
    order_id           uuid,
    amount_minor       bigint,
    currency           text,
    received_at        timestamptz,
    reversed_at        timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
#variable_conflict use_column
declare
    v_limit constant integer := rowlock._check_limit(p_limit);
begin
    return query
    select p.provider, p.provider_reference, p.order_id, p.amount_minor, p.currency, p.received_at, p.reversed_at
    from rowlock.payments p
    where p.event_id = p_event_id and p.outcome = 'refund_due' and p.refunded_at is null
    order by p.received_at, p.provider, p.provider_reference
    limit v_limit;
end
$$;

comment on function rowlock.refunds_due(bigint, integer) is 'Money of an event that is owed back, oldest first.';
grant execute on function rowlock.refunds_due(bigint, integer) to rowlock_app, rowlock_admin;
