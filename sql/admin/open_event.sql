-- Opens a draft or paused event for sale; an open one stays open, a closed one cannot be opened again.
-- Locks: the event's row.
-- Errors: RL001, RL006, RL007.
create or replace function admin.open_event(p_event_id bigint, p_reason text) returns text
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    return rowlock._change_event(
        p_event_id => p_event_id, p_change => '{"status": "open"}', p_function => 'admin.open_event',
        p_reason => rowlock._check_reason(p_reason)
    );
end
$$;

comment on function admin.open_event(bigint, text) is 'Opens an event for sale; returns its status. For rowlock_admin.';
grant execute on function admin.open_event(bigint, text) to rowlock_admin;
