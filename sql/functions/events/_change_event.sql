-- Changes an event and logs it: any of name, venue, starts_at, on_sale_at, off_sale_at, window_ms, seats_per_customer and status, all of
-- them or none. null clears a time. Existing orders keep their deadlines, and customers keep seats beyond a lowered limit. Returns the
-- status.
--
-- Every claim that begins after this has committed sees the change; a claim already running, which takes milliseconds, may still commit.
-- Claims do not lock the event's row. When they did, the locks of six busy servers overlapped without a gap and a sale could not be
-- stopped: the wait never ended, and lock_timeout did not bound it, because it starts again for each lock holder.
--
-- Locks: the event's row (for no key update).
-- Errors: RL001, RL007, RL008 if the event cannot go from its status to the one asked for.
create or replace function rowlock._change_event(p_event_id bigint, p_change jsonb, p_function text, p_reason text) returns text
language plpgsql
as $$
declare
    v_event  rowlock.events;
    v_before jsonb;
begin
    perform rowlock._json_object(p_change, 'event', array[
        'name', 'venue', 'starts_at', 'on_sale_at', 'off_sale_at', 'window_ms', 'seats_per_customer', 'status'
    ]);
    select e.* into v_event from rowlock.events as e where e.event_id = p_event_id for no key update;
    if not found then
        perform rowlock._event_not_found(p_event_id);
    end if;
    v_before := to_jsonb(v_event);

    if p_change ? 'name' then
        v_event.name := rowlock._json_text(p_value => p_change -> 'name', p_path => 'name', p_min => 1, p_max => 200);
    end if;
    if p_change ? 'venue' then
        v_event.venue := rowlock._json_text(p_value => p_change -> 'venue', p_path => 'venue', p_min => 0, p_max => 200);
    end if;
    if p_change ? 'starts_at' then
        v_event.starts_at := rowlock._json_time(p_change -> 'starts_at', 'starts_at');
    end if;
    if p_change ? 'on_sale_at' then
        v_event.on_sale_at := rowlock._json_time(p_change -> 'on_sale_at', 'on_sale_at');
    end if;
    if p_change ? 'off_sale_at' then
        v_event.off_sale_at := rowlock._json_time(p_change -> 'off_sale_at', 'off_sale_at');
    end if;
    if v_event.off_sale_at <= v_event.on_sale_at then
        if p_change ? 'off_sale_at' then
            perform rowlock._invalid_request('off_sale_at', 'must be after on_sale_at');
        end if;
        perform rowlock._invalid_request('on_sale_at', 'must be before off_sale_at');
    end if;
    if p_change ? 'window_ms' then
        v_event.window_ms := rowlock._json_integer(
            p_value => p_change -> 'window_ms', p_path => 'window_ms', p_min => 1000, p_max => 86400000
        );
    end if;
    if p_change ? 'seats_per_customer' then
        v_event.seats_per_customer := rowlock._json_integer(
            p_value => p_change -> 'seats_per_customer', p_path => 'seats_per_customer', p_min => 1, p_max => 1000
        );
    end if;
    if p_change ? 'status' then
        v_event.status := rowlock._next_status(p_event_id, v_event.status, p_change ->> 'status');
    end if;

    update rowlock.events as e
    set name = v_event.name,
        venue = v_event.venue,
        starts_at = v_event.starts_at,
        on_sale_at = v_event.on_sale_at,
        off_sale_at = v_event.off_sale_at,
        window_ms = v_event.window_ms,
        seats_per_customer = v_event.seats_per_customer,
        status = v_event.status,
        opened_at = coalesce(e.opened_at, case when v_event.status = 'open' then date_trunc('milliseconds', clock_timestamp()) end),
        updated_at = date_trunc('milliseconds', clock_timestamp())
    where e.event_id = p_event_id and to_jsonb(v_event) <> v_before;
    perform rowlock._log_action(
        p_function => p_function, p_event_id => p_event_id, p_order_id => null, p_reason => p_reason, p_arguments => p_change,
        p_before => (select coalesce(jsonb_object_agg(k, v_before -> k), '{}') from jsonb_object_keys(p_change) as k),
        p_after => (select coalesce(jsonb_object_agg(k, to_jsonb(v_event) -> k), '{}') from jsonb_object_keys(p_change) as k)
    );
    return v_event.status::text;
end
$$;

comment on function rowlock._change_event(bigint, jsonb, text, text) is
    'Changes settings and status of an event and logs it; returns the status. Private.';
