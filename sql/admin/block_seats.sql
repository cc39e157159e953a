-- Blocks seats for the box office, all of them or none, and returns how many changed: from one seat to all seats of the event in one call.
--
-- p_seats names sections by their codes, each with seat numbers and ranges, or alone for the whole section: `A 1-20 35, B 5, C`. Seats
-- already blocked are fine and not counted. A seat that is held or sold refuses the call: its order has to end first.
--
-- Locks: the seats (section_no, seat_no; waiting), then their sections (section_no).
-- Errors: RL001, RL002, RL003, RL006, RL008 (detail: the seats held or sold).
create or replace function admin.block_seats(p_event_id bigint, p_seats text, p_reason text) returns integer
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    return rowlock._block_selected(
        p_event_id => p_event_id, p_seats => p_seats, p_from => 'available', p_to => 'blocked', p_function => 'admin.block_seats',
        p_reason => p_reason
    );
end
$$;

comment on function admin.block_seats(bigint, text, text) is
    'Blocks seats, all or none; returns how many changed. Example: A 1-20 35, B 5, C. For rowlock_admin.';
grant execute on function admin.block_seats(bigint, text, text) to rowlock_admin;
