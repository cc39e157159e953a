-- Gives a dead letter a fresh set of attempts: its record is deleted, and the next sweep finds the order overdue.
--
-- Locks: the failure's row. Errors: RL010 if there is no such dead letter.
create or replace function rowlock.redrive_dead_letter(p_event_id bigint, p_order_id uuid)
returns void
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    perform rowlock._redrive_dead_letter(
        p_event_id => p_event_id, p_order_id => p_order_id, p_function => 'rowlock.redrive_dead_letter', p_reason => null
    );
end
$$;

comment on function rowlock.redrive_dead_letter(bigint, uuid) is 'Retries a dead letter at once.';
grant execute on function rowlock.redrive_dead_letter(bigint, uuid) to rowlock_app;
