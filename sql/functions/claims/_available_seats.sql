-- The available seats of a section from p_from_seat on, front to back, with their rows; at most p_limit of them (null: all), without those
-- in p_lost. Reads without locking, one row of the section at a time, so that a limit ends the scan.
--
-- Stable and without settings of its own, so that the planner can inline it.
create or replace function rowlock._available_seats(
    p_event_id   bigint,
    p_section_no integer,
    p_from_seat  integer,
    p_limit      integer,
    p_lost       integer[]
) returns table (row_no integer, seat_no integer)
language sql
stable
as $$
    select r.row_no, s.seat_no
    from rowlock.section_rows r
    cross join lateral (
        select s.seat_no
        from rowlock.seats s
        where s.event_id = p_event_id and s.section_no = p_section_no
            and s.seat_no between greatest(r.first_seat, p_from_seat) and r.last_seat
            and s.status = 'available' and s.seat_no <> all (p_lost)
        order by s.seat_no
    ) s
    where r.event_id = p_event_id and r.section_no = p_section_no
        and r.first_seat >= (
            select coalesce(max(f.first_seat), 1)
            from rowlock.section_rows f
            where f.event_id = p_event_id and f.section_no = p_section_no and f.first_seat <= p_from_seat
        )
    order by r.first_seat, s.seat_no
    limit p_limit
$$;

comment on function rowlock._available_seats(bigint, integer, integer, integer, integer[]) is
    'The available seats of a section, front to back, with their rows.';
