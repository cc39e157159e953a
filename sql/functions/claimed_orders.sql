-- The orders of those ids that exist, answered as their claims would have been: what a lost answer turns out to be. An order missing here
-- can still come into being while the transaction that claims it runs; a claim sent again under the same id waits for that transaction
-- and is then answered as replayed.
--
-- Locks: none.
-- Outcomes: claimed.
create or replace function rowlock.claimed_orders(p_event_id bigint, p_order_ids uuid[]) returns setof rowlock.claim_answer
language sql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
    select a.*
      from rowlock._claim_answers(p_event_id, array_fill('claimed'::text, array[cardinality(p_order_ids)]), p_order_ids) a
     where a.order_id is not null
$$;

comment on function rowlock.claimed_orders(bigint, uuid[]) is
    'The orders of those ids that exist, answered as claims; resolves a lost answer.';
revoke all on function rowlock.claimed_orders(bigint, uuid[]) from public;
grant execute on function rowlock.claimed_orders(bigint, uuid[]) to rowlock_app;
