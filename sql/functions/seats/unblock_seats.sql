-- Puts blocked seats of one section back on sale, all of them or none, and returns how many changed. Seats already available are fine and
-- not counted. A seat that is held or sold refuses the call: its order has to end first.
--
-- p_first_seats and p_last_seats are parallel arrays of ranges, which may overlap.
--
-- Locks: the seats in seat_no order (waiting), then the section.
-- Errors: RL002, RL003 (detail: the unknown seats, as JSON), RL008 (detail: the seats held or sold, as JSON); at most 1,000 are listed.
create or replace function rowlock.unblock_seats(
    p_event_id    bigint,
    p_section_no  integer,
    p_first_seats integer[],
    p_last_seats  integer[]
) returns integer
language sql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
    select rowlock._block_listed(
        p_event_id => p_event_id, p_section_no => p_section_no, p_first_seats => p_first_seats, p_last_seats => p_last_seats,
        p_from => 'blocked', p_to => 'available', p_function => 'rowlock.unblock_seats'
    )
$$;

comment on function rowlock.unblock_seats(bigint, integer, integer[], integer[]) is
    'Puts blocked seats of one section back on sale, all or none; returns how many changed.';
grant execute on function rowlock.unblock_seats(bigint, integer, integer[], integer[]) to rowlock_app;
