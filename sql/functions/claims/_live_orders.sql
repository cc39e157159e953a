-- What the live orders of a customer come to: live_seats, the seats held and owned together, which count against the event's limit;
-- last_paid_at, when one of them was last paid for (null: none was); and the order among them that came with p_idempotency_key (null:
-- none), with its fingerprint. Always one row.
--
-- Stable and without settings of its own, so that the planner inlines it.
create or replace function rowlock._live_orders(p_event_id bigint, p_customer_id text, p_idempotency_key text)
returns table (live_seats integer, last_paid_at timestamptz, order_id uuid, fingerprint bytea)
language sql
stable
as $$
    -- Every index begins with the event, and while a table is tiny all of them cost the same, in a plan that is kept while the table
    -- grows. Only the right index needs no sort for the order asked for here; with "=" the planner would drop that order, and in a few
    -- states of the table (six of 600 tried) look through all orders of the event.
    select coalesce(sum(cardinality(o.seat_nos)), 0)::integer,
        max(o.ended_at) filter (where o.amount_minor > 0),  -- of the live orders, only the paid ones have an end
        (array_agg(o.order_id) filter (where o.idempotency_key = p_idempotency_key))[1],
        (array_agg(o.fingerprint) filter (where o.idempotency_key = p_idempotency_key))[1]
    from (
        select o.seat_nos, o.amount_minor, o.ended_at, o.order_id, o.idempotency_key, o.fingerprint
        from rowlock.orders o
        where o.event_id = p_event_id and o.customer_id between p_customer_id and p_customer_id and o.is_live
        order by o.customer_id
    ) o
$$;

comment on function rowlock._live_orders(bigint, text, text) is
    'The seats that a customer holds and owns, the last payment, and the live order that came with an idempotency key.';
