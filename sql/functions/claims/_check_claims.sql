-- Decides what can be decided about each claim of a batch before any seat is looked at. Arrays have one element per request.
--
-- p_limit: how many seats a customer may hold and own. p_is_on_sale: null if there is no such event, or it was never opened. p_key_nos: the
-- first request with the same idempotency key; null: all differ. p_faults: what is wrong with the requested seats, null if nothing is.
-- p_unpaid_orders_max, p_unpaid_window_ms and p_cooldown_ms are the event's rules for customers who let orders end unpaid.
--
-- Returns o_live_seats, the seats the customer holds or owns; o_outcomes, null while undecided; o_answers, the orders of repeated requests;
-- and o_retry_after_ms, how long the cooldown of a customer still lasts. A repeated request's order is found by its idempotency key or, if
-- it has none and its batch is sent again after a lost answer, by its own id. If the key came with another request, the outcome is
-- idempotency_key_reused.
--
-- Locks: none. Callers hold the customers' advisory locks.
create or replace function rowlock._check_claims(
    p_event_id           bigint,
    p_limit              integer,
    p_unpaid_orders_max  integer,
    p_unpaid_window_ms   integer,
    p_cooldown_ms        integer,
    p_is_on_sale         boolean,
    p_order_ids          uuid[],
    p_customer_ids       text[],
    p_idempotency_keys   text[],
    p_fingerprints       bytea[],
    p_key_nos            integer[],
    p_quantities         integer[],
    p_faults             text[],
    out o_live_seats     integer[],
    out o_outcomes       text[],
    out o_answers        uuid[],
    out o_retry_after_ms integer[]
)
language plpgsql
as $$
begin
    select array_agg(c.live_seats), array_agg(c.outcome), array_agg(case when c.outcome = 'replayed' then c.order_id end),
        array_agg(c.cooldown_left_ms)
    into o_live_seats, o_outcomes, o_answers, o_retry_after_ms
    from (
        select l.live_seats, u.cooldown_left_ms, coalesce(l.order_id, e.order_id, i.order_id) as order_id,
            case when i.order_id is not null then 'replayed'
                when coalesce(l.order_id, e.order_id) is not null
                    then rowlock._repeat_outcome(r.fingerprint, coalesce(l.fingerprint, e.fingerprint))
                when p_is_on_sale is null then 'event_not_found'
                when not p_is_on_sale then 'not_on_sale'
                when (r.quantity between 1 and 100) is not true then 'too_many_seats'
                when r.fault is not null then r.fault
                when u.cooldown_left_ms is not null then 'cooldown'
                -- After a request with the same key, the key decides first.
                when coalesce(r.key_no, r.request_no) = r.request_no
                    and rowlock._exceeds_limit(l.live_seats, r.quantity, p_limit) then 'customer_limit' end as outcome
        from unnest(p_order_ids, p_customer_ids, p_idempotency_keys, p_fingerprints, p_key_nos, p_quantities, p_faults)
            with ordinality as r (order_id, customer_id, idempotency_key, fingerprint, key_no, quantity, fault, request_no)
        cross join lateral rowlock._live_orders(p_event_id, r.customer_id, r.idempotency_key) l
        -- "between" and the order keep the plan on the right index: see _live_orders.
        left join lateral (
            select o.order_id, o.fingerprint
            from rowlock.orders o
            where o.event_id = p_event_id and o.customer_id = r.customer_id
                and o.idempotency_key between r.idempotency_key and r.idempotency_key and not o.is_live
            order by o.idempotency_key
            limit 1
        ) e on true
        left join lateral (
            select o.order_id, o.customer_id
            from rowlock.orders o
            where r.idempotency_key is null and o.event_id = p_event_id and o.order_id = r.order_id
            limit 1
        ) i on i.customer_id = r.customer_id
        -- Hardly anybody has let an order end unpaid: one look into the index says so.
        left join lateral (
            select rowlock._cooldown_left_ms(
                p_event_id => p_event_id, p_customer_id => r.customer_id, p_last_paid_at => l.last_paid_at,
                p_unpaid_orders_max => p_unpaid_orders_max, p_unpaid_window_ms => p_unpaid_window_ms, p_cooldown_ms => p_cooldown_ms
            ) as cooldown_left_ms
            from rowlock.orders o
            where p_cooldown_ms > 0 and o.event_id = p_event_id and o.customer_id between r.customer_id and r.customer_id
                and o.ended_as between 'expired' and 'refunded' and not o.is_live
            order by o.customer_id, o.ended_as
            limit 1
        ) u on true
        order by r.request_no
    ) c;
end
$$;

comment on function rowlock._check_claims(bigint, integer, integer, integer, integer, boolean, uuid[], text[], text[], bytea[], integer[],
    integer[], text[]) is 'Decides what it can about each claim of a batch before any seat is looked at.';
