-- Reads what never changes of an event: its sections, their prices, and their rows as two arrays in step: the row with
-- row_labels[i] starts at seat row_first_seats[i]. Servers keep it for as long as they run. No row if there is no such event.
-- Locks: none. Errors: none.
create or replace function rowlock.event_layout(p_event_id bigint) returns table (
    section_no integer, code text, name text, price_minor bigint, capacity integer, row_labels text[], row_first_seats integer[]
)
language plpgsql stable security definer
set search_path = pg_catalog, rowlock, pg_temp set plan_cache_mode = force_generic_plan as $body$
#variable_conflict use_column
begin
    return query
    select s.section_no, s.code, s.name, s.price_minor, s.capacity, r.labels, r.first_seats
    from rowlock.sections as s
    cross join lateral (
        select array_agg(o.label) as labels, array_agg(o.first_seat) as first_seats
        from (
            select sr.label, sr.first_seat
            from rowlock.section_rows as sr
            where sr.event_id = s.event_id and sr.section_no = s.section_no
            order by sr.row_no
        ) as o
    ) as r
    where s.event_id = p_event_id
    order by s.section_no;
end
$body$;
comment on function rowlock.event_layout(bigint) is 'Reads the sections of an event with their prices and rows, which never change.';
grant execute on function rowlock.event_layout(bigint) to rowlock_app, rowlock_admin;
