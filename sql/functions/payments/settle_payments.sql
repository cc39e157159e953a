-- Settles payment notices of one event: each is recorded, and its money pays its order or is owed back. Returns one row per notice.
--
-- A payment is identified by (event_id, provider, provider_reference). Outcomes:
--   paid              the pending order is paid, its seats sold, one ticket issued for each; or nothing was paid for a free order
--   late_reclaimed    the order had expired or was cancelled; all its seats were free, were claimed again and are paid
--   refund_due        the money buys nothing and is owed back: wrong amount or currency (a pending order waits for the right payment),
--                     too late, order already paid or unknown
--   failed_recorded   the gateway reports a failure; the order does not change
--   reversal_recorded the gateway reports that a payment that had succeeded failed after all: its order does not change, and keeps its
--                     tickets until a person decides about them; what is owed back stays listed until a person marks it as refunded
--   duplicate         this notice is already settled; recorded_outcome is the outcome it had then
--   payment_conflict  its identity is recorded with another order, amount or currency; nothing changed
--   event_not_found   no such event, or one that was never opened; nothing is recorded
--
-- The orders are locked and every new payment is recorded. Notices that are the first of their order and identity and bring the right money
-- for a pending order, which is nearly all of them, are then paid together. The others follow one by one, in the order they came, so that
-- notices for one order are settled in their order.
--
-- Locks: orders (by id); payments (by identity: if two servers record one identity, they meet at its primary key, and the second finds it
-- recorded); customers of late orders (advisory class 1, sorted), for the seat limit; seats (section_no, seat_no); sections (section_no).
-- Customers may come after orders: nobody who holds a customer's lock waits for an order.
-- Errors: RL006 if the arrays differ in length or hold a null; RL009 if an order does not hold a seat it lists: the whole batch is undone.
create or replace function rowlock.settle_payments(
    p_event_id            bigint,
    p_order_ids           uuid[],
    p_providers           text[],
    p_provider_references text[],
    p_amounts_minor       bigint[],
    p_currencies          text[],
    p_succeeded           boolean[],
    p_message_ids         text[]
)
returns table (notice_no integer, outcome text, recorded_outcome text)
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_at       timestamptz;
    v_sorted   record;  -- see _record_payments
    v_outcomes text[];
    v_recorded text[];
    v_no       integer;
    v_settled  record;  -- see _settle_payment
begin
    perform rowlock._check_notices(
        p_order_ids => p_order_ids, p_providers => p_providers, p_provider_references => p_provider_references,
        p_amounts_minor => p_amounts_minor, p_currencies => p_currencies, p_succeeded => p_succeeded, p_message_ids => p_message_ids
    );
    if not exists (select from rowlock.events e where e.event_id = p_event_id and e.opened_at is not null) then
        return query select n, 'event_not_found', null::text from generate_series(1, cardinality(p_order_ids)) n;
        return;
    end if;

    v_sorted := rowlock._record_payments(
        p_event_id => p_event_id, p_order_ids => p_order_ids, p_providers => p_providers, p_provider_references => p_provider_references,
        p_amounts_minor => p_amounts_minor, p_currencies => p_currencies, p_succeeded => p_succeeded, p_message_ids => p_message_ids
    );

    v_at := date_trunc('milliseconds', clock_timestamp());
    v_outcomes := array_fill('paid'::text, array[cardinality(p_order_ids)]);
    if v_sorted.o_one_by_one is not null then
        perform rowlock._lock_settlement(p_event_id, p_order_ids);
    end if;
    if v_sorted.o_payable_rows is not null then
        perform rowlock._pay_orders(p_event_id => p_event_id, p_order_rows => v_sorted.o_payable_rows, p_from => 'held', p_at => v_at);
    end if;
    foreach v_no in array coalesce(v_sorted.o_one_by_one, '{}') loop
        v_settled := rowlock._settle_payment(
            p_event_id => p_event_id, p_order_id => p_order_ids[v_no], p_provider => p_providers[v_no],
            p_provider_reference => p_provider_references[v_no], p_amount_minor => p_amounts_minor[v_no], p_currency => p_currencies[v_no],
            p_succeeded => p_succeeded[v_no], p_message_id => p_message_ids[v_no],
            p_fresh => coalesce(v_no = any (v_sorted.o_fresh), false), p_at => v_at
        );
        v_outcomes[v_no] := v_settled.o_outcome;
        v_recorded[v_no] := v_settled.o_recorded;
    end loop;
    return query
    select o.no::integer, o.outcome, v_recorded[o.no]
    from unnest(v_outcomes) with ordinality as o (outcome, no);
end
$$;

comment on function rowlock.settle_payments(bigint, uuid[], text[], text[], bigint[], text[], boolean[], text[]) is
    'Records payment notices of one event and pays their orders; one row per notice.';
grant execute on function rowlock.settle_payments(bigint, uuid[], text[], text[], bigint[], text[], boolean[], text[]) to rowlock_app;
