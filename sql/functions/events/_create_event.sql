-- Creates a draft event with its sections, rows and seats, all or nothing, logs it, and returns its id.
-- p_event: {"name","venue","starts_at","on_sale_at","off_sale_at","window_ms","seats_per_customer","unpaid_orders_max","unpaid_window_ms",
--   "cooldown_ms","currency",
--   "sections":[{"code","name","price_minor","rows":[{"label","seats"}]}]}
-- Only name, currency and sections must be there; times may be null. 1 to 500 sections, 1 to 1,000,000 seats and at most 20,000 rows in
-- all. Everything is checked here, whatever the caller has checked: the detail of an error names the field as JSON counts it (sections[0]
-- is the first). The seats come last, in one statement, when nothing can fail any more.
-- Errors: RL006.
create or replace function rowlock._create_event(p_event jsonb, p_function text, p_reason text) returns bigint
language plpgsql
as $$
declare
    v_settings jsonb;
    v_event    rowlock.events;
    v_sections jsonb := p_event -> 'sections';
    v_currency text := p_event ->> 'currency';
    v_seats    integer := 0;
    v_now      constant timestamptz := date_trunc('milliseconds', clock_timestamp());
begin
    perform rowlock._json_object(p_event, 'event', array[
        'name', 'venue', 'starts_at', 'on_sale_at', 'off_sale_at', 'window_ms', 'seats_per_customer', 'unpaid_orders_max',
        'unpaid_window_ms', 'cooldown_ms', 'currency', 'sections'
    ]);
    if rowlock._is_currency(v_currency) is not true then
        perform rowlock._invalid_request('currency', 'must be the ISO 4217 code of a currency in use, for example TWD');
    end if;
    if jsonb_typeof(v_sections) is distinct from 'array' or jsonb_array_length(v_sections) not between 1 and 500 then
        perform rowlock._invalid_request('sections', 'must be a list of 1 to 500 sections');
    end if;

    -- An event needs a name: null is refused.
    v_settings := '{"name": null, "venue": "", "window_ms": 10000, "seats_per_customer": 10, "unpaid_orders_max": 5}'::jsonb
        || '{"cooldown_ms": 120000}' || jsonb_strip_nulls(p_event - 'sections');
    v_event := rowlock._read_settings(null, v_settings);
    insert into rowlock.events (
        name, venue, starts_at, on_sale_at, off_sale_at, window_ms, seats_per_customer, unpaid_orders_max, chosen_unpaid_window_ms,
        cooldown_ms, currency, created_at, updated_at
    )
    values (
        v_event.name, v_event.venue, v_event.starts_at, v_event.on_sale_at, v_event.off_sale_at, v_event.window_ms,
        v_event.seats_per_customer, v_event.unpaid_orders_max, v_event.chosen_unpaid_window_ms, v_event.cooldown_ms, v_currency, v_now,
        v_now
    )
    returning event_id, unpaid_window_ms into v_event.event_id, v_event.unpaid_window_ms;

    for v_index in 0 .. jsonb_array_length(v_sections) - 1 loop
        v_seats := v_seats
            + rowlock._create_section(
                p_event_id => v_event.event_id, p_section_no => v_index + 1, p_section => v_sections -> v_index,
                p_path => format('sections[%s]', v_index)
            );
    end loop;
    if v_seats > 1000000 then
        perform rowlock._invalid_request('sections', 'must have at most 1000000 seats together');
    end if;
    if (select count(*) from rowlock.section_rows r where r.event_id = v_event.event_id) > 20000 then
        perform rowlock._invalid_request('sections', 'must have at most 20000 rows together');
    end if;

    insert into rowlock.seats (event_id, section_no, seat_no)
    select s.event_id, s.section_no, n.seat_no
    from rowlock.sections s
    cross join lateral generate_series(1, s.capacity) as n (seat_no)
    where s.event_id = v_event.event_id
    order by s.section_no, n.seat_no;
    perform rowlock._log_action(
        p_function => p_function, p_event_id => v_event.event_id, p_order_id => null, p_reason => p_reason,
        p_arguments => jsonb_build_object('name', v_event.name), p_before => '{}',
        p_after => v_settings || jsonb_build_object(
            'unpaid_window_ms', v_event.unpaid_window_ms, 'status', 'draft', 'sections', jsonb_array_length(v_sections), 'seats', v_seats
        )
    );
    return v_event.event_id;
end
$$;

comment on function rowlock._create_event(jsonb, text, text) is
    'Creates a draft event with its sections, rows and seats, and logs it; returns its id.';
