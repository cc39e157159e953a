-- Changes settings of an event: any of name, venue, starts_at, on_sale_at, off_sale_at, window_ms, seats_per_customer.
-- Locks: the event's row (for no key update: claims lock no event).
-- Errors: RL001, RL007.
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
    'Changes settings of an event; orders already made keep their deadlines. For rowlock_admin.';
grant execute on function admin.change_event(bigint, jsonb, text) to rowlock_admin;
