-- Puts blocked seats of one section back on sale, all of them or none, and returns how many changed. Seats already available are fine and
-- not counted. A seat that is held or sold refuses the call: its order has to end first.
--
-- Locks: the seats in seat_no order (waiting), then the section.
-- Errors: RL002, RL003 (detail: the unknown seats, as JSON), RL009 (detail: the seats held or sold, as JSON).
create or replace function rowlock.unblock_seats(p_event_id bigint, p_section_no integer, p_seat_nos integer[]) returns integer
language sql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
    select rowlock._block_listed(
        p_event_id => p_event_id, p_section_no => p_section_no, p_seat_nos => p_seat_nos, p_from => 'blocked', p_to => 'available',
        p_function => 'rowlock.unblock_seats'
    )
$$;

comment on function rowlock.unblock_seats(bigint, integer, integer[]) is
    'Puts blocked seats of one section back on sale, all or none; returns how many changed.';
grant execute on function rowlock.unblock_seats(bigint, integer, integer[]) to rowlock_app;
