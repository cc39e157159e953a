-- Reads settings of an event from JSON into the event: those that p_settings has of name, venue, starts_at, on_sale_at, off_sale_at,
-- window_ms, seats_per_customer, unpaid_orders_max, unpaid_window_ms and cooldown_ms; the others stay as they are in p_event. null clears a
-- time, and makes unpaid_window_ms follow other settings again; for anything else it is refused.
-- Errors: RL006.
create or replace function rowlock._read_settings(p_event rowlock.events, p_settings jsonb) returns rowlock.events
language plpgsql
as $$
declare
    v_event rowlock.events := p_event;
begin
    if p_settings ? 'name' then
        v_event.name := rowlock._json_text(p_value => p_settings -> 'name', p_path => 'name', p_min => 1, p_max => 200);
    end if;
    if p_settings ? 'venue' then
        v_event.venue := rowlock._json_text(p_value => p_settings -> 'venue', p_path => 'venue', p_min => 0, p_max => 200);
    end if;
    if p_settings ? 'starts_at' then
        v_event.starts_at := rowlock._json_time(p_settings -> 'starts_at', 'starts_at');
    end if;
    if p_settings ? 'on_sale_at' then
        v_event.on_sale_at := rowlock._json_time(p_settings -> 'on_sale_at', 'on_sale_at');
    end if;
    if p_settings ? 'off_sale_at' then
        v_event.off_sale_at := rowlock._json_time(p_settings -> 'off_sale_at', 'off_sale_at');
    end if;
    if v_event.off_sale_at <= v_event.on_sale_at then
        if p_settings ? 'off_sale_at' then
            perform rowlock._invalid_request('off_sale_at', 'must be after on_sale_at');
        end if;
        perform rowlock._invalid_request('on_sale_at', 'must be before off_sale_at');
    end if;
    if p_settings ? 'window_ms' then
        v_event.window_ms := rowlock._json_integer(
            p_value => p_settings -> 'window_ms', p_path => 'window_ms', p_min => 1000, p_max => 86400000
        );
    end if;
    if p_settings ? 'seats_per_customer' then
        v_event.seats_per_customer := rowlock._json_integer(
            p_value => p_settings -> 'seats_per_customer', p_path => 'seats_per_customer', p_min => 1, p_max => 1000
        );
    end if;
    if p_settings ? 'unpaid_orders_max' then
        v_event.unpaid_orders_max := rowlock._json_integer(
            p_value => p_settings -> 'unpaid_orders_max', p_path => 'unpaid_orders_max', p_min => 1, p_max => 100
        );
    end if;
    if p_settings ? 'unpaid_window_ms' then
        v_event.chosen_unpaid_window_ms := case when p_settings -> 'unpaid_window_ms' <> 'null' then rowlock._json_integer(
            p_value => p_settings -> 'unpaid_window_ms', p_path => 'unpaid_window_ms', p_min => 1000, p_max => 86400000
        ) end;
    end if;
    if p_settings ? 'cooldown_ms' then
        v_event.cooldown_ms := rowlock._json_integer(
            p_value => p_settings -> 'cooldown_ms', p_path => 'cooldown_ms', p_min => 0, p_max => 86400000
        );
    end if;
    return v_event;
end
$$;

comment on function rowlock._read_settings(rowlock.events, jsonb) is 'Reads settings of an event from JSON into the event.';
