-- Moves listed seats of an event from p_from to p_to, available to blocked or back, all of them or none, logs which, and returns how many
-- changed. p_section_nos and p_seat_nos are parallel arrays; a seat may be listed more than once.
--
-- Locks: the seats (section_no, seat_no), then their sections (section_no).
-- Errors: RL002, RL003 (detail: the unknown seats of the first such section, as JSON), RL009 (likewise: the seats held or sold).
create or replace function rowlock._change_blocked(
    p_event_id    bigint,
    p_section_nos integer[],
    p_seat_nos    integer[],
    p_from        rowlock.seat_status,
    p_to          rowlock.seat_status,
    p_function    text,
    p_reason      text
) returns integer
language plpgsql
as $$
declare
    v_section_nos integer[];
    v_seat_nos    integer[];
    v_seats       text;
    v_section     record;
    v_changed     integer := 0;
begin
    perform rowlock._wait_for_seats(p_event_id, p_section_nos, p_seat_nos);
    -- What will change: the seats are locked, and a new statement sees what became of them while the locks were waited for.
    select array_agg(s.section_no), array_agg(s.seat_no) into v_section_nos, v_seat_nos
    from rowlock.seats s
    join unnest(p_section_nos, p_seat_nos) as w (section_no, seat_no) on w.section_no = s.section_no and w.seat_no = s.seat_no
    where s.event_id = p_event_id and s.status = p_from;

    for v_section in
        select w.section_no, array_agg(w.seat_no) as seat_nos
        from unnest(p_section_nos, p_seat_nos) as w (section_no, seat_no)
        group by w.section_no
        order by w.section_no
    loop
        v_changed := v_changed + rowlock._set_seats_blocked(
            p_event_id => p_event_id, p_section_no => v_section.section_no, p_seat_nos => v_section.seat_nos, p_from => p_from, p_to => p_to
        );
    end loop;

    v_seats := rowlock._format_seats(p_event_id, v_section_nos, v_seat_nos);
    perform rowlock._log_action(
        p_function => p_function, p_event_id => p_event_id, p_order_id => null, p_reason => p_reason,
        p_arguments => jsonb_build_object('seats', rowlock._format_seats(p_event_id, p_section_nos, p_seat_nos)),
        p_before => case when v_changed > 0 then jsonb_build_object(p_from, v_seats) else '{}' end,
        p_after => case when v_changed > 0 then jsonb_build_object(p_to, v_seats) else '{}' end
    );
    return v_changed;
end
$$;

comment on function rowlock._change_blocked(bigint, integer[], integer[], rowlock.seat_status, rowlock.seat_status, text, text) is
    'Moves listed seats between available and blocked, all or none, and logs which. Private.';
