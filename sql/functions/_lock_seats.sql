-- Locks those of the seats that are available and that nobody else has locked, and answers where their rows lie: one element a seat
-- asked for, null where it was not to be had, or not to be locked (p_is_wanted false). Never waits. A seat may be named more than once.
--
-- Locks: the seats, in (section_no, seat_no) order, skipping locked ones. The status is judged on the row as locked.
create or replace function rowlock._lock_seats(
    p_event_id    bigint,
    p_section_nos integer[],
    p_seat_nos    integer[],
    p_is_wanted   boolean[] default '{}'
) returns tid[]
language plpgsql
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_seat_rows tid[];
begin
    -- Materialized: the rows are locked once, whatever the join around them does.
    with locked as materialized (
        select w.section_no, w.seat_no, l.seat_row
          from (select distinct w.section_no, w.seat_no
                  from unnest(p_section_nos, p_seat_nos, p_is_wanted) as w(section_no, seat_no, is_wanted)
                 where w.is_wanted is not false
                 order by w.section_no, w.seat_no) w
          cross join lateral (
                select s.ctid as seat_row
                  from rowlock.seats s
                 where s.event_id = p_event_id and s.section_no = w.section_no and s.seat_no = w.seat_no and s.status = 'available'
                   for update skip locked) l
    )
    select array_agg(l.seat_row order by w.wanted_no)
      into v_seat_rows
      from unnest(p_section_nos, p_seat_nos) with ordinality as w(section_no, seat_no, wanted_no)
      left join locked l on l.section_no = w.section_no and l.seat_no = w.seat_no;
    return v_seat_rows;
end
$$;

comment on function rowlock._lock_seats(bigint, integer[], integer[], boolean[]) is
    'Locks available seats without waiting and answers where their rows lie.';
revoke all on function rowlock._lock_seats(bigint, integer[], integer[], boolean[]) from public;
