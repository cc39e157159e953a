-- Locks listed seats, in whatever sections they are, and waits for each. Seats that do not exist are ignored.
--
-- Sections are changed later, one after another: every seat is locked before the first section is.
-- Locks: the seats (section_no, seat_no).
create or replace function rowlock._wait_for_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[]) returns void
language plpgsql
as $$
begin
    perform
    from rowlock.seats s
    join unnest(p_section_nos, p_seat_nos) as w (section_no, seat_no) on w.section_no = s.section_no and w.seat_no = s.seat_no
    where s.event_id = p_event_id
    order by s.section_no, s.seat_no
    for update of s;
end
$$;

comment on function rowlock._wait_for_seats(bigint, integer[], integer[]) is 'Locks listed seats, waiting for each.';
