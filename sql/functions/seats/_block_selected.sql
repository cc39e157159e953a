-- Moves the seats that an operator selected from p_from to p_to, available to blocked or back, all of them or none, and returns how many
-- changed.
--
-- Locks: the seats (section_no, seat_no), then their sections (section_no).
-- Errors: RL001, RL002, RL003, RL006, RL008 (detail: the seats held or sold, as _format_seats writes them).
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

    return rowlock._change_blocked(
        p_event_id => p_event_id, p_section_nos => v_section_nos, p_seat_nos => v_seat_nos, p_from => p_from, p_to => p_to,
        p_function => p_function, p_reason => v_reason
    );
end
$$;

comment on function rowlock._block_selected(bigint, text, rowlock.seat_status, rowlock.seat_status, text, text) is
    'Blocks or unblocks the seats that an operator selected, all or none.';
