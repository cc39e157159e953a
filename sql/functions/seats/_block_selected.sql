-- Blocks or unblocks the seats that an operator selected, all of them or none, and returns how many changed.
--
-- Locks: the seats (section_no, seat_no), then their sections (section_no).
-- Errors: RL001, RL002, RL003, RL007, RL009 (detail: the seats held or sold, as _format_seats writes them).
create or replace function rowlock._block_selected(
    p_event_id bigint,
    p_seats    text,
    p_from     rowlock.seat_status,
    p_to       rowlock.seat_status,
    p_function text,
    p_reason   text
) returns integer
language plpgsql
as $$
declare
    v_reason      constant text := rowlock._check_reason(p_reason);
    v_section_nos integer[];
    v_seat_nos    integer[];
    v_unfit       text;
begin
    select array_agg(w.section_no), array_agg(w.seat_no) into v_section_nos, v_seat_nos
    from (
        select distinct r.section_no, n.seat_no
        from rowlock._selected_seats(p_event_id, p_seats) r
        cross join lateral generate_series(r.first_seat, r.last_seat) as n (seat_no)
    ) w;
    if v_seat_nos is null then
        perform rowlock._invalid_request('seats', 'must name seats, for example A 1-20 35, B 5');
    end if;

    perform rowlock._wait_for_seats(p_event_id, v_section_nos, v_seat_nos);
    select rowlock._format_seats(p_event_id, array_agg(s.section_no), array_agg(s.seat_no)) into v_unfit
    from rowlock.seats s
    join unnest(v_section_nos, v_seat_nos) as w (section_no, seat_no) on w.section_no = s.section_no and w.seat_no = s.seat_no
    where s.event_id = p_event_id and s.status in ('held', 'sold');
    if v_unfit <> '' then
        raise exception using errcode = 'RL009', message = 'seats_not_blockable', detail = v_unfit,
            hint = 'These seats are held or sold, and can be neither blocked nor unblocked; nothing was changed.';
    end if;
    return rowlock._change_blocked(
        p_event_id => p_event_id, p_section_nos => v_section_nos, p_seat_nos => v_seat_nos, p_from => p_from, p_to => p_to,
        p_function => p_function, p_reason => v_reason
    );
end
$$;

comment on function rowlock._block_selected(bigint, text, rowlock.seat_status, rowlock.seat_status, text, text) is
    'Blocks or unblocks the seats that an operator selected, all or none. Private.';
