-- Reads an event, drafts included, with everything that a server caches of it: its settings; what never changes about its sections, with
-- their rows as two parallel arrays (the row with row_labels[i] starts at seat row_first_seats[i]); and how many seats each section has on
-- sale. One statement, so one moment: one row per section, with the event's columns the same in each. No row if there is no such event.
-- Locks: none. Errors: none.
create or replace function rowlock.event_with_sections(p_event_id bigint) returns table (
    event_id bigint, name text, venue text, starts_at timestamptz, on_sale_at timestamptz, off_sale_at timestamptz, status text,
    opened_at timestamptz, window_ms integer, seats_per_customer integer, unpaid_orders_max integer, unpaid_window_ms integer,
    cooldown_ms integer, currency text, created_at timestamptz, updated_at timestamptz,
    section_no integer, code text, section_name text, price_minor bigint, capacity integer, available integer, revision bigint,
    row_labels text[], row_first_seats integer[]
)
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
    return query
    select
        e.event_id, e.name, e.venue, e.starts_at, e.on_sale_at, e.off_sale_at, e.status::text, e.opened_at, e.window_ms,
        e.seats_per_customer, e.unpaid_orders_max, e.unpaid_window_ms, e.cooldown_ms, e.currency, e.created_at, e.updated_at,
        s.section_no, s.code, s.name, s.price_minor, s.capacity, s.available, s.revision, r.labels, r.first_seats
    from rowlock.events e
    join rowlock.sections s on s.event_id = e.event_id
    cross join lateral (
        select array_agg(o.label) as labels, array_agg(o.first_seat) as first_seats
        from (
            select sr.label, sr.first_seat
            from rowlock.section_rows sr
            where sr.event_id = s.event_id and sr.section_no = s.section_no
            order by sr.row_no
        ) o
    ) r
    where e.event_id = p_event_id
    order by s.section_no;
end
$$;

comment on function rowlock.event_with_sections(bigint) is
    'Reads an event with its sections, their rows, and how many seats each has on sale, at one moment.';
grant execute on function rowlock.event_with_sections(bigint) to rowlock_app, rowlock_admin;
