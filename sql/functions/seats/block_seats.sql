-- Blocks seats of one section for the box office, all of them or none, and returns how many changed. Seats already blocked are fine and not
-- counted. A seat that is held or sold refuses the call: its order has to end first.
--
-- Locks: the seats in seat_no order (waiting), then the section.
-- Errors: RL002, RL003 (detail: the unknown seats, as JSON), RL009 (detail: the seats held or sold, as JSON).
create or replace function rowlock.block_seats(p_event_id bigint, p_section_no integer, p_seat_nos integer[]) returns integer
language sql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
    select rowlock._block_listed(
        p_event_id => p_event_id, p_section_no => p_section_no, p_seat_nos => p_seat_nos, p_from => 'available', p_to => 'blocked',
        p_function => 'rowlock.block_seats'
    )
$$;

comment on function rowlock.block_seats(bigint, integer, integer[]) is
    'Blocks seats of one section, all or none; returns how many changed.';
grant execute on function rowlock.block_seats(bigint, integer, integer[]) to rowlock_app;
