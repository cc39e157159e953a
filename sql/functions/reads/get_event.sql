-- Reads one event, drafts included; no row if there is none.
-- Locks: none. Errors: none.
create or replace function rowlock.get_event(p_event_id bigint) returns setof rowlock.event_row
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    select
        e.event_id, e.name, e.venue, e.starts_at, e.on_sale_at, e.off_sale_at, e.status::text, e.opened_at, e.window_ms,
        e.seats_per_customer, e.unpaid_orders_max, e.unpaid_window_ms, e.cooldown_ms, e.currency, e.created_at, e.updated_at
    from rowlock.events e
    where e.event_id = p_event_id;
end
$$;

comment on function rowlock.get_event(bigint) is 'Reads one event, drafts included; no row if there is none.';
grant execute on function rowlock.get_event(bigint) to rowlock_app, rowlock_admin;
