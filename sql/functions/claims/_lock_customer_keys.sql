-- Serialises the claims of each customer for one event, so that limits and idempotency keys can be checked and stay true until commit.
-- Answers how many locks that took: as many as there are customers means that no two of them are the same.
--
-- Locks: advisory class 1, one key a customer, in key order: two batches with the same customers never wait for each other in a circle.
create or replace function rowlock._lock_customer_keys(p_event_id bigint, p_customer_ids text[]) returns integer
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

comment on function rowlock._lock_customer_keys(bigint, text[]) is
    'Takes the customers'' advisory locks for an event, sorted, until the transaction ends, and answers how many.';
