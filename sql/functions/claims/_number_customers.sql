-- Numbers the customers and idempotency keys of a batch of claims: o_customer_nos and o_key_nos are, for each request, the first request
-- of the same customer, or of the same customer and key. A request without a key has one of its own.
create or replace function rowlock._number_customers(
    p_customer_ids     text[],
    p_idempotency_keys text[],
    out o_customer_nos integer[],
    out o_key_nos      integer[]
)
language plpgsql
as $$
begin
    select array_agg(n.customer_no order by n.request_no), array_agg(n.key_no order by n.request_no)
    into o_customer_nos, o_key_nos
    from (
        select r.request_no, min(r.request_no) over (partition by r.customer_id)::integer as customer_no,
            case when r.idempotency_key is null then r.request_no
                else min(r.request_no) over (partition by r.customer_id, r.idempotency_key) end::integer as key_no
        from unnest(p_customer_ids, p_idempotency_keys) with ordinality as r (customer_id, idempotency_key, request_no)
    ) n;
end
$$;

comment on function rowlock._number_customers(text[], text[]) is
    'Numbers the customers and idempotency keys of a batch of claims by their first requests. Private.';
