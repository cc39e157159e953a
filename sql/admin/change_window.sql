-- Changes how long new orders hold their seats, in milliseconds, and returns the previous value.
-- Locks: the event's row (for no key update).
-- Errors: RL001, RL006.
create or replace function admin.change_window(p_event_id bigint, p_window_ms integer, p_reason text) returns integer
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
declare
    v_before_ms integer;
begin
    select e.window_ms into v_before_ms from rowlock.events e where e.event_id = p_event_id for no key update;
    perform rowlock._change_event(
        p_event_id => p_event_id, p_change => jsonb_build_object('window_ms', p_window_ms), p_function => 'admin.change_window',
        p_reason => rowlock._check_reason(p_reason)
    );
    return v_before_ms;
end
$$;

comment on function admin.change_window(bigint, integer, text) is
    'Changes an event''s payment window; returns the previous value. Existing orders keep their deadlines. For rowlock_admin.';
grant execute on function admin.change_window(bigint, integer, text) to rowlock_admin;
