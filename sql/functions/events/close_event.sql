-- Closes an event for good: no new claims ever. Pending orders may still be paid, and they expire as always.
-- Locks: the event's row.
-- Errors: RL001, RL008.
create or replace function rowlock.close_event(p_event_id bigint) returns void
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    perform rowlock._steer_event(p_event_id => p_event_id, p_status => 'closed', p_function => 'rowlock.close_event', p_reason => null);
end
$$;

comment on function rowlock.close_event(bigint) is 'Closes an event for good; pending orders may still be paid.';
grant execute on function rowlock.close_event(bigint) to rowlock_app;
