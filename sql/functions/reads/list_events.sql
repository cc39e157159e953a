-- Lists events that are no drafts in the order they were created, from the one after p_after_event_id (null: from the first),
-- at most p_limit (1 to 1000; null: 100).
-- Locks: none. Errors: none.
create or replace function rowlock.list_events(p_after_event_id bigint, p_limit integer) returns setof rowlock.event_row
language plpgsql stable security definer
set search_path = pg_catalog, rowlock, pg_temp set plan_cache_mode = force_generic_plan as $body$
begin
    return query
    select
        e.event_id, e.name, e.venue, e.starts_at, e.on_sale_at, e.status::text, e.window_ms, e.seats_per_customer, e.currency,
        e.created_at, e.updated_at
    from rowlock.events as e
    where e.event_id > coalesce(p_after_event_id, 0) and e.status <> 'draft'
    order by e.event_id
    limit least(greatest(coalesce(p_limit, 100), 1), 1000);
end
$body$;
comment on function rowlock.list_events(bigint, integer) is 'Lists events that are no drafts, oldest first, a page at a time.';
grant execute on function rowlock.list_events(bigint, integer) to rowlock_app, rowlock_admin;
