-- Reads all seats of an event: for each section its revision and its seats as one text, one character per seat in seat order:
-- a available, h held, s sold, b blocked. One statement, so one snapshot. No row if there is no such event. Plans are kept, even those made
-- while there were few seats and statistics were old: so the seats are read through their key, and JIT is off.
-- Locks: none. Errors: none.
create or replace function rowlock.event_availability(p_event_id bigint) returns table (
    section_no integer, code text, revision bigint, statuses text
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
    select s.section_no, s.code, s.revision, rowlock._section_statuses(s.event_id, s.section_no)
    from rowlock.sections s
    where s.event_id = p_event_id
    order by s.section_no;
end
$$;

comment on function rowlock.event_availability(bigint) is 'Reads the status of every seat of an event, one text per section.';
grant execute on function rowlock.event_availability(bigint) to rowlock_app, rowlock_admin;
