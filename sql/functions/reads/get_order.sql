-- Reads one order of a customer. No row if this customer has no such order.
--
-- Locks: none. Errors: none.
create or replace function rowlock.get_order(p_event_id bigint, p_order_id uuid, p_customer_id text)
returns setof rowlock.order_row
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
begin
    return query
    select o.event_id, o.order_id, o.customer_id, o.status::text, o.section_nos, o.seat_nos, o.amount_minor, e.currency,
        o.created_at, o.expires_at, o.ended_at
    from rowlock.orders o
    join rowlock.events e on e.event_id = o.event_id
    where o.event_id = p_event_id and o.order_id = p_order_id and o.customer_id = p_customer_id;
end
$$;

comment on function rowlock.get_order(bigint, uuid, text) is 'Reads one order of a customer; no row if this customer has no such order.';
grant execute on function rowlock.get_order(bigint, uuid, text) to rowlock_app, rowlock_admin;
