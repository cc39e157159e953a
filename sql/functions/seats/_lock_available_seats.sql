-- Locks those of the seats that are available and not locked by anybody else. Returns one element per seat asked for: o_seat_rows, where
-- its row is, null if it was not available or is not wanted (p_is_wanted false); and o_first_nos, the first element that names the same
-- seat. o_are_all: whether all were locked and none was named twice. Never waits. A seat named twice is tried twice.
--
-- Locks: the seats, in (section_no, seat_no) order, skipping locked ones. The status is judged on the row as locked.
create or replace function rowlock._lock_available_seats(
    p_event_id    bigint,
    p_section_nos integer[],
    p_seat_nos    integer[],
    p_is_wanted   boolean[] default '{}',
    out o_seat_rows tid[],
    out o_first_nos integer[],
    out o_are_all   boolean
)
language plpgsql
as $$
begin
    select array_agg(l.seat_row), array_agg(l.first_no), bool_and(l.seat_row is not null and l.first_no = l.wanted_no)
    into o_seat_rows, o_first_nos, o_are_all
    from (
        select l.seat_row, w.first_no, w.wanted_no
        from (
            select w.section_no, w.seat_no, w.is_wanted is not false as is_wanted, w.wanted_no,
                min(w.wanted_no) over (partition by w.section_no, w.seat_no)::integer as first_no
            from unnest(p_section_nos, p_seat_nos, p_is_wanted)
                with ordinality as w (section_no, seat_no, is_wanted, wanted_no)
            order by w.section_no, w.seat_no
        ) w
        left join lateral (
            select s.ctid as seat_row
            from rowlock.seats s
            where w.is_wanted and s.event_id = p_event_id and s.section_no = w.section_no and s.seat_no = w.seat_no
                and s.status = 'available'
            for update skip locked
        ) l on true
        order by w.wanted_no
    ) l;
end
$$;

comment on function rowlock._lock_available_seats(bigint, integer[], integer[], boolean[]) is
    'Locks available seats without waiting and returns where their rows are.';
