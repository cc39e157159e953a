-- Begins a batch of claims: reads the event's rules, serialises the customers, and finds which requests share a customer or a key.
--
-- Returns o_limit (how many seats a customer may hold and own), o_window_ms, o_unpaid_orders_max, o_unpaid_window_ms, o_cooldown_ms (0
-- until an order of the event has ended, if none was pruned: nobody need be looked up) and o_is_on_sale (null if there is no such event, or
-- it was never opened), and o_are_distinct: whether every request is from another customer. If not, o_customer_nos and o_key_nos give, for
-- each request, the first request of the same customer, and the first of the same customer and idempotency key; a request without a key
-- counts as having one of its own.
--
-- Locks: customers (advisory class 1, sorted).
create or replace function rowlock._begin_claims(
    p_event_id              bigint,
    p_customer_ids          text[],
    p_idempotency_keys      text[],
    out o_limit             integer,
    out o_window_ms         integer,
    out o_unpaid_orders_max integer,
    out o_unpaid_window_ms  integer,
    out o_cooldown_ms       integer,
    out o_is_on_sale        boolean,
    out o_are_distinct      boolean,
    out o_customer_nos      integer[],
    out o_key_nos           integer[]
)
language plpgsql
as $$
declare
    v_is_pruned boolean;
begin
    select e.seats_per_customer, e.window_ms, e.unpaid_orders_max, e.unpaid_window_ms, e.cooldown_ms,
        rowlock._is_on_sale(e.status, e.on_sale_at, e.off_sale_at), e.pruned_to > '00000000-0000-0000-0000-000000000000'
    into o_limit, o_window_ms, o_unpaid_orders_max, o_unpaid_window_ms, o_cooldown_ms, o_is_on_sale, v_is_pruned
    from rowlock.events e
    where e.event_id = p_event_id and e.opened_at is not null;
    o_are_distinct := cardinality(p_customer_ids) = rowlock._take_locks(
        p_class => 1, p_event_id => p_event_id, p_names => p_customer_ids, p_wait => true
    );
    -- Not after a pruning: until a vacuum, the index still has the pruned orders, and each look-up would pass over all of them.
    if o_cooldown_ms > 0 and not v_is_pruned then
        -- The order keeps the plan on an index of ended orders: see _live_orders.
        perform from rowlock.orders o where o.event_id = p_event_id and not o.is_live order by o.customer_id limit 1;
        if not found then
            o_cooldown_ms := 0;
        end if;
    end if;
    if not o_are_distinct then
        select array_agg(n.customer_no order by n.request_no), array_agg(n.key_no order by n.request_no)
        into o_customer_nos, o_key_nos
        from (
            select r.request_no, min(r.request_no) over (partition by r.customer_id)::integer as customer_no,
                case when r.idempotency_key is null then r.request_no
                    else min(r.request_no) over (partition by r.customer_id, r.idempotency_key) end::integer as key_no
            from unnest(p_customer_ids, p_idempotency_keys) with ordinality as r (customer_id, idempotency_key, request_no)
        ) n;
    end if;
end
$$;

comment on function rowlock._begin_claims(bigint, text[], text[]) is
    'Reads the event of a batch of claims, locks the customers, and numbers those that come more than once.';
