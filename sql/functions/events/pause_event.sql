-- Pauses an open event: no new claims, while payments, expiries and cancellations go on. A claim already running may still succeed.
-- Locks: the event's row.
-- Errors: RL001, RL008.
create or replace function rowlock.pause_event(p_event_id bigint) returns void
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    perform rowlock._steer_event(p_event_id => p_event_id, p_status => 'paused', p_function => 'rowlock.pause_event', p_reason => null);
end
$$;

comment on function rowlock.pause_event(bigint) is 'Pauses the sale of an open event; pending orders go on.';
grant execute on function rowlock.pause_event(bigint) to rowlock_app;
