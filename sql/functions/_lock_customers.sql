-- Serialises the claims of each customer for one event, so that limits and idempotency keys can be checked and stay true until commit.
--
-- Locks: advisory class 1, one key a customer, in key order: two batches with the same customers never wait for each other in a circle.
create or replace function rowlock._lock_customers(p_event_id bigint, p_customer_ids text[]) returns void
language plpgsql
as $$
begin
    perform pg_advisory_xact_lock(1, k.lock_key)
      from (select distinct hashtext(p_event_id || ':' || c.customer_id) as lock_key
              from unnest(p_customer_ids) as c(customer_id)
             order by lock_key) k;
end
$$;

comment on function rowlock._lock_customers(bigint, text[]) is
    'Takes the customers'' advisory locks for an event, sorted, until the transaction ends.';
revoke all on function rowlock._lock_customers(bigint, text[]) from public;
