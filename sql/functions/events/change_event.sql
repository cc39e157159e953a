-- Changes settings of an event: any of name, venue, starts_at, on_sale_at, off_sale_at, window_ms, seats_per_customer; null
-- clears a time. Orders already made keep their deadlines, and seats beyond a lowered limit stay with their customers.
-- Locks: the event's row (for no key update: claims lock no event).
-- Errors: RL001, RL007.
create or replace function rowlock.change_event(p_event_id bigint, p_change jsonb) returns void
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    perform rowlock._change_event(p_event_id => p_event_id, p_change => p_change, p_function => 'rowlock.change_event', p_reason => null);
end
$$;

comment on function rowlock.change_event(bigint, jsonb) is 'Changes settings of an event; orders already made keep their deadlines.';
grant execute on function rowlock.change_event(bigint, jsonb) to rowlock_app;
