-- Moves listed seats of an event from p_from to p_to, available to blocked or back, all of them or none, logs which, and returns how many
-- changed. p_section_nos and p_seat_nos are parallel arrays of seats that exist; a seat may be listed more than once. Seats that are
-- already p_to are fine. p_function and p_reason are for the action log.
--
-- Locks: the seats (section_no, seat_no), then their sections (section_no).
-- Errors: RL008 (detail: the seats held or sold, for an operator as _format_seats writes them, for a server, which lists seats of one
-- section, as a JSON list of their numbers, of at most 1,000).
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
begin
    perform rowlock._wait_for_seats(p_event_id, p_section_nos, p_seat_nos);
    -- A new statement sees what became of the seats while their locks were waited for.
    select array_agg(s.section_no order by s.section_no, s.seat_no), array_agg(s.seat_no order by s.section_no, s.seat_no)
    into v_section_nos, v_seat_nos
    from rowlock.seats s
    where s.event_id = p_event_id and s.status in ('held', 'sold')
        and (s.section_no, s.seat_no) in (select w.section_no, w.seat_no from unnest(p_section_nos, p_seat_nos) as w (section_no, seat_no));
    if v_seat_nos is not null then
        raise exception using errcode = 'RL008', message = 'seats_not_blockable',
            detail = case when p_function like 'admin.%' then rowlock._format_seats(p_event_id, v_section_nos, v_seat_nos)
                else to_jsonb(v_seat_nos[:1000])::text end,
            hint = 'These seats are held or sold, and can be neither blocked nor unblocked; nothing was changed.';
    end if;

    with changed as (
        update rowlock.seats s
        set status = p_to, filler = null
        from unnest(p_section_nos, p_seat_nos) as w (section_no, seat_no)
        where s.event_id = p_event_id and s.section_no = w.section_no and s.seat_no = w.seat_no and s.status = p_from
        returning s.section_no, s.seat_no
    )
    select array_agg(c.section_no), array_agg(c.seat_no) into v_section_nos, v_seat_nos from changed c;
    perform rowlock._move_seat_counts(
        p_event_id => p_event_id, p_section_nos => v_section_nos, p_seat_nos => v_seat_nos, p_from => p_from, p_to => p_to
    );

    v_seats := rowlock._format_seats(p_event_id, v_section_nos, v_seat_nos);
    perform rowlock._log_action(
        p_function => p_function, p_event_id => p_event_id, p_order_id => null, p_reason => p_reason,
        p_arguments => jsonb_build_object('seats', rowlock._format_seats(p_event_id, p_section_nos, p_seat_nos)),
        p_before => case when v_seat_nos is not null then jsonb_build_object(p_from, v_seats) else '{}' end,
        p_after => case when v_seat_nos is not null then jsonb_build_object(p_to, v_seats) else '{}' end
    );
    return coalesce(cardinality(v_seat_nos), 0);
end
$$;

comment on function rowlock._change_blocked(bigint, integer[], integer[], rowlock.seat_status, rowlock.seat_status, text, text) is
    'Moves listed seats between available and blocked, all or none, and logs which.';
