-- The orders with the given ids that exist, as their claims would have been answered: used to recover a lost answer. An order that is
-- missing here can still appear while the transaction that claims it runs; a claim sent again with the same id waits for that transaction
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
    select r.request_no::integer, 'claimed', o.order_id, o.status::text, o.section_nos, o.seat_nos, o.amount_minor, o.created_at,
        o.expires_at, null::integer[], null::integer[], null::integer
    from unnest(p_order_ids) with ordinality as r (order_id, request_no)
    cross join lateral (
        select o.order_id, o.status, o.section_nos, o.seat_nos, o.amount_minor, o.created_at, o.expires_at
        from rowlock.orders o
        where o.event_id = p_event_id and o.order_id = r.order_id
        limit 1
    ) o
$$;

comment on function rowlock.claimed_orders(bigint, uuid[]) is
    'The orders with these ids that exist, as answers to claims; recovers a lost answer.';
grant execute on function rowlock.claimed_orders(bigint, uuid[]) to rowlock_app;
