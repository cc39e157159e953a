-- Reports an event's sales by section: the current status of its seats, and the revenue of those sold, in minor units. A section's price
-- never changes, so sold times price is what the buyers paid. No row if there is no such event.
-- Locks: none. Errors: none.
create or replace function rowlock.sales_report(p_event_id bigint) returns table (
    section_no integer, code text, name text, price_minor bigint, currency text,
    capacity integer, available integer, held integer, sold integer, blocked integer, revenue_minor bigint
)
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select
        s.section_no, s.code, s.name, s.price_minor, e.currency,
        s.capacity, s.available, s.held, s.sold, s.blocked, s.sold * s.price_minor
    from rowlock.events e
    join rowlock.sections s on s.event_id = e.event_id
    where e.event_id = p_event_id
    order by s.section_no;
end
$$;

comment on function rowlock.sales_report(bigint) is 'Reports seats and revenue of an event by section.';
grant execute on function rowlock.sales_report(bigint) to rowlock_app, rowlock_admin;
