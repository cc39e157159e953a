-- Changes an event and logs it: any of its settings that _read_settings reads, and its status; all of them or none.
-- Existing orders keep their deadlines, and customers keep seats beyond a lowered limit. Returns the status.
--
-- Every claim that begins after this has committed sees the change; a claim already running, which takes milliseconds, may still commit.
-- Claims do not lock the event's row. When they did, the locks of six busy servers overlapped without a gap and a sale could not be
-- stopped: the wait never ended, and lock_timeout did not bound it, because it starts again for each lock holder.
--
-- Locks: the event's row (for no key update).
-- Errors: RL001, RL006, RL007 if the event cannot go from its status to the one asked for.
create or replace function rowlock._change_event(p_event_id bigint, p_change jsonb, p_function text, p_reason text) returns text
language plpgsql
as $$
declare
    v_event  rowlock.events;
    v_before jsonb;
begin
    perform rowlock._json_object(p_change, 'event', array[
        'name', 'venue', 'starts_at', 'on_sale_at', 'off_sale_at', 'window_ms', 'seats_per_customer', 'unpaid_orders_max',
        'unpaid_window_ms', 'cooldown_ms', 'status'
    ]);
    select e.* into v_event from rowlock.events e where e.event_id = p_event_id for no key update;
    if not found then
        perform rowlock._event_not_found(p_event_id);
    end if;
    v_before := to_jsonb(v_event);
    v_event := rowlock._read_settings(v_event, p_change);
    if p_change ? 'status' then
        v_event.status := rowlock._next_status(p_event_id, v_event.status, p_change ->> 'status');
    end if;

    update rowlock.events e
    set name = v_event.name,
        venue = v_event.venue,
        starts_at = v_event.starts_at,
        on_sale_at = v_event.on_sale_at,
        off_sale_at = v_event.off_sale_at,
        window_ms = v_event.window_ms,
        seats_per_customer = v_event.seats_per_customer,
        unpaid_orders_max = v_event.unpaid_orders_max,
        chosen_unpaid_window_ms = v_event.chosen_unpaid_window_ms,
        cooldown_ms = v_event.cooldown_ms,
        status = v_event.status,
        opened_at = coalesce(e.opened_at, case when v_event.status = 'open' then date_trunc('milliseconds', clock_timestamp()) end),
        updated_at = date_trunc('milliseconds', clock_timestamp())
    where e.event_id = p_event_id and to_jsonb(v_event) <> v_before;
    -- With the settings that follow others.
    select e.* into strict v_event from rowlock.events e where e.event_id = p_event_id;
    perform rowlock._log_action(
        p_function => p_function, p_event_id => p_event_id, p_order_id => null, p_reason => p_reason, p_arguments => p_change,
        p_before => (select coalesce(jsonb_object_agg(k, v_before -> k), '{}') from jsonb_object_keys(p_change) k),
        p_after => (select coalesce(jsonb_object_agg(k, to_jsonb(v_event) -> k), '{}') from jsonb_object_keys(p_change) k)
    );
    return v_event.status::text;
end
$$;

comment on function rowlock._change_event(bigint, jsonb, text, text) is
    'Changes settings and status of an event and logs it; returns the status.';
