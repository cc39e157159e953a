-- Returns whether the calling transaction may sweep for overdue orders: one server at a time. The lead ends with the transaction.
--
-- Locks: advisory class 3, without waiting. Errors: none.
create or replace function rowlock.try_lead_sweep()
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    return rowlock._take_locks(p_class => 3, p_event_id => 0, p_names => array['sweep'], p_wait => false) = 1;
end
$$;

comment on function rowlock.try_lead_sweep() is 'True if the calling transaction may sweep for overdue orders: one at a time.';
grant execute on function rowlock.try_lead_sweep() to rowlock_app;
