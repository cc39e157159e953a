-- Changes settings of an event, and opens, pauses or closes it, in one step. rowlock._change_event says what p_change may hold.
-- Locks: the event's row (for no key update).
-- Errors: RL001, RL006, RL007 if the event cannot go from its status to the one asked for.
create or replace function admin.change_event(p_event_id bigint, p_change jsonb, p_reason text) returns void
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    perform rowlock._change_event(
        p_event_id => p_event_id, p_change => p_change, p_function => 'admin.change_event', p_reason => rowlock._check_reason(p_reason)
    );
end
$$;

comment on function admin.change_event(bigint, jsonb, text) is
    'Changes settings or status of an event; existing orders keep their deadlines. For rowlock_admin.';
grant execute on function admin.change_event(bigint, jsonb, text) to rowlock_admin;
