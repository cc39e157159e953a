-- Opens a draft or paused event for sale; an open one stays open, a closed one is closed for good.
-- Locks: the event's row.
-- Errors: RL001, RL008.
create or replace function rowlock.open_event(p_event_id bigint) returns void
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    perform rowlock._steer_event(p_event_id => p_event_id, p_status => 'open', p_function => 'rowlock.open_event', p_reason => null);
end
$$;

comment on function rowlock.open_event(bigint) is 'Opens a draft or paused event for sale.';
grant execute on function rowlock.open_event(bigint) to rowlock_app;
