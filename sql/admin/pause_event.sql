-- Pauses the sale: no new claims, while payments, expiries and cancellations go on. A claim already running may still succeed.
-- Locks: the event's row.
-- Errors: RL001, RL006, RL007.
create or replace function admin.pause_event(p_event_id bigint, p_reason text) returns text
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    return rowlock._change_event(
        p_event_id => p_event_id, p_change => '{"status": "paused"}', p_function => 'admin.pause_event',
        p_reason => rowlock._check_reason(p_reason)
    );
end
$$;

comment on function admin.pause_event(bigint, text) is 'Pauses an event''s sale; returns its status. For rowlock_admin.';
grant execute on function admin.pause_event(bigint, text) to rowlock_admin;
