-- What the orders say about each claim request of a batch: one row a request.
--
-- customer_no and key_no are the first requests of the batch with the same customer, or the same customer and idempotency key: they
-- number customers and keys without a second lookup. live_seats are the seats the customer holds or owns. known_order_id is the order
-- that answers a repeated request, found by its idempotency key or, if it has none and its batch is sent again after a lost answer, by
-- its own id; known_outcome is then 'replayed', or 'idempotency_key_reused' where the key came with another request.
--
-- Stable and without settings of its own, so that the planner can put it in line. Callers hold the customers' advisory locks.
create or replace function rowlock._known_claims(
    p_event_id         bigint,
    p_order_ids        uuid[],
    p_customer_ids     text[],
    p_idempotency_keys text[],
    p_fingerprints     bytea[]
) returns table (
    request_no     integer,
    customer_no    integer,
    key_no         integer,
    live_seats     integer,
    known_order_id uuid,
    known_outcome  text
)
language sql
stable
as $$
    select r.request_no::integer,
           min(r.request_no) over (partition by r.customer_id)::integer,
           case when r.idempotency_key is null then r.request_no
                else min(r.request_no) over (partition by r.customer_id, r.idempotency_key) end::integer,
           coalesce(l.live_seats, 0),
           coalesce(i.order_id, k.order_id),
           case when i.order_id is not null or k.fingerprint = r.fingerprint then 'replayed'
                when k.order_id is not null then 'idempotency_key_reused' end
      from unnest(p_order_ids, p_customer_ids, p_idempotency_keys, p_fingerprints)
           with ordinality as r(order_id, customer_id, idempotency_key, fingerprint, request_no)
      -- Ended orders may be any number: the live ones have an index of their own, and a repeated request is found by its key or id.
      -- Every index begins with the event, and over a table that is still tiny all of them cost the same, in a plan that is kept while
      -- the table grows. Only the right one needs no sort for the order asked for here; with "=" the planner would drop that order.
      cross join lateral (
            select sum(cardinality(o.seat_nos))::integer as live_seats
              from (select o.seat_nos
                      from rowlock.orders o
                     where o.event_id = p_event_id and o.customer_id between r.customer_id and r.customer_id and o.is_live
                     order by o.customer_id) o) l
      left join lateral (
            select o.order_id, o.fingerprint
              from rowlock.orders o
             where o.event_id = p_event_id and o.customer_id = r.customer_id
               and o.idempotency_key between r.idempotency_key and r.idempotency_key
             order by o.idempotency_key
             limit 1) k on true
      left join lateral (
            select o.order_id, o.customer_id
              from rowlock.orders o
             where r.idempotency_key is null and o.event_id = p_event_id and o.order_id between r.order_id and r.order_id
             order by o.order_id
             limit 1) i on i.customer_id = r.customer_id
$$;

comment on function rowlock._known_claims(bigint, uuid[], text[], text[], bytea[]) is
    'Per claim request: the customer''s live seats, and the order that already answers it.';
revoke all on function rowlock._known_claims(bigint, uuid[], text[], text[], bytea[]) from public;
