-- Reads a section's seats as one text, one character per seat in seat order: a available, h held, s sold, b blocked; and the matching
-- revision, from the same snapshot because it is the same statement. No row if there is no such section. Plans are kept, even those made
-- while there were few seats and statistics were old: so the seats are read through their key, and JIT is off.
-- Locks: none. Errors: none.
create or replace function rowlock.section_seats(p_event_id bigint, p_section_no integer) returns table (
    revision bigint, statuses text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
begin
    return query
    select s.revision, rowlock._section_statuses(s.event_id, s.section_no)
    from rowlock.sections s
    where s.event_id = p_event_id and s.section_no = p_section_no;
end
$$;

comment on function rowlock.section_seats(bigint, integer)
    is 'Reads the status of every seat of a section, one character per seat, with its revision.';
grant execute on function rowlock.section_seats(bigint, integer) to rowlock_app, rowlock_admin;
