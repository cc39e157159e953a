-- Reads the sections of an event with how many seats each has on sale, from the counts kept with every claim: O(sections). No row if there
-- is no such event.
-- Locks: none. Errors: none.
create or replace function rowlock.section_summary(p_event_id bigint) returns table (
    section_no integer, code text, name text, price_minor bigint, currency text, capacity integer, available integer, revision bigint
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
    select s.section_no, s.code, s.name, s.price_minor, e.currency, s.capacity, s.available, s.revision
    from rowlock.events e
    join rowlock.sections s on s.event_id = e.event_id
    where e.event_id = p_event_id
    order by s.section_no;
end
$$;

comment on function rowlock.section_summary(bigint) is 'Reads how many seats each section of an event has on sale.';
grant execute on function rowlock.section_summary(bigint) to rowlock_app, rowlock_admin;
