-- Deletes a draft with its sections, rows and seats. An event that was ever opened is kept.
-- Locks: the event's row, then its seats (section_no, seat_no).
-- Errors: RL001, RL006, RL007 unless it is a draft.
create or replace function admin.delete_event(p_event_id bigint, p_reason text) returns void
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    perform rowlock._delete_event(p_event_id, 'admin.delete_event', rowlock._check_reason(p_reason));
end
$$;

comment on function admin.delete_event(bigint, text) is 'Deletes a draft with its sections, rows and seats. For rowlock_admin.';
grant execute on function admin.delete_event(bigint, text) to rowlock_admin;
