-- Serialises the claims of each customer for one event, so that limits and idempotency keys stay as checked until commit. Returns how many
-- locks that took: if it is the number of customers given, all of them differ.
--
-- Locks: advisory class 1, one key per customer, in key order: two batches with the same customers never deadlock.
create or replace function rowlock._lock_customers(p_event_id bigint, p_customer_ids text[]) returns integer
language plpgsql
as $$
declare
    v_locks integer;
begin
    perform pg_advisory_xact_lock(1, k.lock_key)
    from (
        select distinct hashtext(p_event_id || ':' || c.customer_id) as lock_key
        from unnest(p_customer_ids) as c (customer_id)
        order by lock_key
    ) k;
    get diagnostics v_locks = row_count;
    return v_locks;
end
$$;

comment on function rowlock._lock_customers(bigint, text[]) is
    'Takes the customers'' advisory locks for an event, sorted, until the transaction ends, and returns how many.';
