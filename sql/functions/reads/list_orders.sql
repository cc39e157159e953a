-- Lists orders of an event, newest first: a customer's own or (p_customer_id null) everybody's, in one status or (null) any, older than
-- p_after_order_id (null: from the newest), at most p_limit (1 to 1000).
--
-- A customer has few live orders: they are all gathered. The ended ones, of which there may be any number, are read along an index, a page
-- of each status at most. Everybody's are read along the primary key; ids are UUIDv7, so their order is the order of creation.
--
-- Locks: none. Errors: RL006 for a status that does not exist, and for a limit out of bounds.
create or replace function rowlock.list_orders(
    p_event_id       bigint,
    p_customer_id    text,
    p_status         text,
    p_after_order_id uuid,
    p_limit          integer
)
returns setof rowlock.order_row
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    v_limit  constant integer := rowlock._check_limit(p_limit);
    v_status rowlock.order_status;
    v_ids    uuid[];
begin
    if p_status is not null and p_status <> all (enum_range(null::rowlock.order_status)::text[]) then
        perform rowlock._invalid_request('status', 'must be one of ' || array_to_string(enum_range(null::rowlock.order_status), ', '));
    end if;
    v_status := p_status::rowlock.order_status;

    if p_customer_id is not null then
        v_ids := array(
            select o.order_id from rowlock.orders o where o.event_id = p_event_id and o.customer_id = p_customer_id and o.is_live
            union all
            select o.order_id
            from unnest(array['expired', 'cancelled', 'refund_due', 'refunded']::rowlock.order_status[]) as k (ended_as)
            cross join lateral (
                -- "between" and the order keep the plan on the right index: see _live_orders.
                select o.order_id
                from rowlock.orders o
                where o.event_id = p_event_id and o.customer_id between p_customer_id and p_customer_id
                    and o.ended_as between k.ended_as and k.ended_as and not o.is_live
                    and (p_after_order_id is null or o.order_id < p_after_order_id)
                order by o.customer_id desc, o.ended_as desc, o.order_id desc
                limit v_limit
            ) o
            where v_status is null or k.ended_as = v_status
        );
    end if;

    return query
    select o.event_id, o.order_id, o.customer_id, o.status::text, o.section_nos, o.seat_nos, o.amount_minor, e.currency,
        o.created_at, o.expires_at, o.ended_at
    from rowlock.orders o
    join rowlock.events e on e.event_id = o.event_id
    where o.event_id = p_event_id
        and (v_ids is null or o.order_id = any (v_ids))
        and (v_status is null or o.status = v_status)
        and (p_after_order_id is null or o.order_id < p_after_order_id)
    order by o.order_id desc
    limit v_limit;
end
$$;

comment on function rowlock.list_orders(bigint, text, text, uuid, integer) is
    'Orders of an event, newest first, a page at a time: a customer''s own or everybody''s.';
grant execute on function rowlock.list_orders(bigint, text, text, uuid, integer) to rowlock_app, rowlock_admin;
