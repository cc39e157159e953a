-- Closes an event for good: no more claims. Pending orders may still be paid, and they expire as usual.
-- Locks: the event's row.
-- Errors: RL001, RL006, RL007.
create or replace function admin.close_event(p_event_id bigint, p_reason text) returns text
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    return rowlock._change_event(
        p_event_id => p_event_id, p_change => '{"status": "closed"}', p_function => 'admin.close_event',
        p_reason => rowlock._check_reason(p_reason)
    );
end
$$;

comment on function admin.close_event(bigint, text) is 'Closes an event for good; returns its status. For rowlock_admin.';
grant execute on function admin.close_event(bigint, text) to rowlock_admin;
