-- Deletes a draft with its sections, rows and seats. An event that was ever opened is kept.
-- Locks: the event's row, then its seats (section_no, seat_no).
-- Errors: RL001, RL007 unless it is a draft.
create or replace function rowlock.delete_event(p_event_id bigint) returns void
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    perform rowlock._delete_event(p_event_id, 'rowlock.delete_event', null);
end
$$;

comment on function rowlock.delete_event(bigint) is 'Deletes a draft with its sections, rows and seats.';
grant execute on function rowlock.delete_event(bigint) to rowlock_app;
