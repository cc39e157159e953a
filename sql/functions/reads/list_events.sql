-- Lists events, soonest first, those without a known start last: at most p_limit (1 to 1000) after p_after_event_id (null: from the first),
-- in one status or (null) any, that begin after p_starts_after (null: any time), and whose names contain p_name (null: any), ignoring case
-- as the database's locale knows it. Events that were never opened are left out unless p_with_drafts.
--
-- A call examines at most 2,000 events for a name, however many there are. If that ends the search before p_limit events are found, the
-- last row has ends_search true, whether it is_match or not: the next call continues after it. Everything else is read from an index in the
-- list's order that holds no other events: with or without those that were never opened, of one status or of all.
--
-- There is no row after a p_after_event_id that is not an event the caller may see.
--
-- Locks: none. Errors: RL006 for a status that does not exist, and for a limit out of bounds.
create or replace function rowlock.list_events(
    p_after_event_id bigint,
    p_limit          integer,
    p_with_drafts    boolean,
    p_status         text,
    p_starts_after   timestamptz,
    p_name           text
) returns table (
    event_id bigint, name text, venue text, starts_at timestamptz, on_sale_at timestamptz, off_sale_at timestamptz, status text,
    opened_at timestamptz, window_ms integer, seats_per_customer integer, unpaid_orders_max integer, unpaid_window_ms integer,
    cooldown_ms integer, currency text, created_at timestamptz, updated_at timestamptz,
    is_match boolean, ends_search boolean
)
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_custom_plan
set enable_sort = off  -- each list has an index in its order, whatever the statistics say
as $$
#variable_conflict use_column
declare
    v_limit   constant integer := rowlock._check_limit(p_limit);
    v_looks   constant integer := case when p_name is null then v_limit else 2000 end;
    v_status  rowlock.event_status;
    v_from    timestamptz := coalesce(p_starts_after, '-infinity');
    v_from_id bigint := 9223372036854775807;
    v_after   timestamptz;
begin
    if p_status is not null and p_status <> all (enum_range(null::rowlock.event_status)::text[]) then
        perform rowlock._invalid_request('status', 'must be one of ' || array_to_string(enum_range(null::rowlock.event_status), ', '));
    end if;
    v_status := p_status::rowlock.event_status;
    if p_after_event_id is not null then
        select coalesce(e.starts_at, 'infinity') into v_after
        from rowlock.events e
        where e.event_id = p_after_event_id and (p_with_drafts or e.opened_at is not null);
        if not found then
            return;
        end if;
        if (v_after, p_after_event_id) > (v_from, v_from_id) then
            v_from := v_after;
            v_from_id := p_after_event_id;
        end if;
    end if;

    -- The planner takes status and opened_at for independent, and would read past any number of other events along an index without the
    -- status. So an asked status is part of the order, and not compared with "=", which would drop it from there. The plan is made for this
    -- call's arguments: conditions on them alone are gone from it.
    return query
    select
        l.event_id, l.name, l.venue, l.starts_at, l.on_sale_at, l.off_sale_at, l.status::text, l.opened_at, l.window_ms,
        l.seats_per_customer, l.unpaid_orders_max, l.unpaid_window_ms, l.cooldown_ms, l.currency, l.created_at, l.updated_at, l.is_match,
        p_name is not null and l.look_no = v_looks
    from (
        select e.event_id, e.name, e.venue, e.starts_at, e.on_sale_at, e.off_sale_at, e.status, e.opened_at, e.window_ms,
            e.seats_per_customer, e.unpaid_orders_max, e.unpaid_window_ms, e.cooldown_ms, e.currency, e.created_at, e.updated_at, p.place,
            p_name is null or strpos(lower(e.name), lower(p_name)) > 0 as is_match, row_number() over in_order as look_no
        from rowlock.events e
        cross join lateral (
            select case when v_status is not null then e.status end as asked_status, coalesce(e.starts_at, 'infinity') as place
        ) p
        where (v_status is not null or (p.place, e.event_id) > (v_from, v_from_id))
            and (v_status is null or (e.status, p.place, e.event_id) > (v_status, v_from, v_from_id) and e.status <= v_status)
            and (p_with_drafts or e.opened_at is not null)
            and (p_starts_after is null or e.starts_at is not null)
        window in_order as (order by p.asked_status, p.place, e.event_id)
        order by p.asked_status, p.place, e.event_id
        limit v_looks
    ) l
    where l.is_match or l.look_no = v_looks
    order by case when v_status is not null then l.status end, l.place, l.event_id
    limit v_limit;
end
$$;

comment on function rowlock.list_events(bigint, integer, boolean, text, timestamptz, text)
    is 'Lists events, soonest first, a page at a time, filtered by status, start and name.';
grant execute on function rowlock.list_events(bigint, integer, boolean, text, timestamptz, text) to rowlock_app, rowlock_admin;
