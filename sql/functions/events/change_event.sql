-- Changes settings of an event, and opens, pauses or closes it, in one step. _change_event says what p_change may hold.
--
-- Locks: the event's row (for no key update).
-- Errors: RL001, RL006, RL007 if the event cannot go from its status to the one asked for.
create or replace function rowlock.change_event(p_event_id bigint, p_change jsonb) returns void
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    perform rowlock._change_event(p_event_id => p_event_id, p_change => p_change, p_function => 'rowlock.change_event', p_reason => null);
end
$$;

comment on function rowlock.change_event(bigint, jsonb) is
    'Changes settings of an event, and opens, pauses or closes it; existing orders keep their deadlines.';
grant execute on function rowlock.change_event(bigint, jsonb) to rowlock_app;
