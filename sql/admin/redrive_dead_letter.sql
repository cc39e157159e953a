-- Retries a dead letter: its record is deleted, and the next sweep finds the order overdue.
-- Locks: the failure's row.
-- Errors: RL006, RL010.
create or replace function admin.redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_reason text) returns void
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    perform rowlock._redrive_dead_letter(
        p_event_id => p_event_id, p_order_id => p_order_id, p_function => 'admin.redrive_dead_letter',
        p_reason => rowlock._check_reason(p_reason)
    );
end
$$;

comment on function admin.redrive_dead_letter(bigint, uuid, text) is 'Retries a dead letter at once. For rowlock_admin.';
grant execute on function admin.redrive_dead_letter(bigint, uuid, text) to rowlock_admin;
