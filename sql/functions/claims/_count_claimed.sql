-- Moves the counts of the seats that a batch won: to sold where an order costs nothing, to held for all others.
--
-- p_amounts has one element per request. p_request_nos, p_section_nos and p_seat_nos have one per won seat.
--
-- Locks: the sections involved, in section_no order. Callers already hold the seats' row locks.
create or replace function rowlock._count_claimed(
    p_event_id    bigint,
    p_amounts     bigint[],
    p_request_nos integer[],
    p_section_nos integer[],
    p_seat_nos    integer[]
) returns void
language plpgsql
as $$
declare
    v_moved record;
begin
    if (0 = any (p_amounts)) is not true then
        perform rowlock._move_seat_counts(
            p_event_id => p_event_id, p_section_nos => p_section_nos, p_seat_nos => p_seat_nos, p_from => 'available', p_to => 'held'
        );
        return;
    end if;
    -- A section may be in both moves, and the second must not lock one that sorts before those of the first.
    perform rowlock._lock_sections(p_event_id, p_section_nos);
    for v_moved in
        select case p_amounts[w.request_no] when 0 then 'sold'::rowlock.seat_status else 'held'::rowlock.seat_status end as moved_to,
            array_agg(w.section_no) as section_nos, array_agg(w.seat_no) as seat_nos
        from unnest(p_request_nos, p_section_nos, p_seat_nos) as w (request_no, section_no, seat_no)
        group by moved_to
    loop
        perform rowlock._move_seat_counts(
            p_event_id => p_event_id, p_section_nos => v_moved.section_nos, p_seat_nos => v_moved.seat_nos, p_from => 'available',
            p_to => v_moved.moved_to
        );
    end loop;
end
$$;

comment on function rowlock._count_claimed(bigint, bigint[], integer[], integer[], integer[]) is
    'Moves the counts of the seats that a batch won, to sold or to held.';
