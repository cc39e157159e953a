-- Writes what must be written for each request whatever becomes of the seats, into the tables as they are: the order under its unique
-- keys; the payment under its identity, and that the order is paid.
create or replace function rowlock.claim_seats(
    p_event_id         bigint,
    p_order_ids        uuid[],
    p_customer_ids     text[],
    p_idempotency_keys text[],
    p_fingerprints     bytea[],
    p_request_nos      integer[],
    p_section_nos      integer[],
    p_seat_nos         integer[]
) returns setof rowlock.claim_answer
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
    return query
    with placed as (
        insert into rowlock.orders (event_id, order_id, customer_id, section_nos, seat_nos, amount_minor, created_at, expires_at,
                                    idempotency_key, fingerprint)
        select p_event_id, w.order_id, w.customer_id, array[w.section_no], array[w.seat_no], 280000, now(), now() + interval '1 day',
               w.idempotency_key, w.fingerprint
          from unnest(p_order_ids, p_customer_ids, p_idempotency_keys, p_fingerprints, p_section_nos, p_seat_nos)
               as w(order_id, customer_id, idempotency_key, fingerprint, section_no, seat_no)
    )
    select w.request_no, 'claimed', w.order_id, 'pending_payment', array[w.section_no], array[w.seat_no], 280000::bigint, now(),
           now() + interval '1 day', null::integer[], null::integer[]
      from unnest(p_request_nos, p_order_ids, p_section_nos, p_seat_nos) as w(request_no, order_id, section_no, seat_no);
end
$$;

create or replace function rowlock.settle_payments(
    p_event_id            bigint,
    p_order_ids           uuid[],
    p_providers           text[],
    p_provider_references text[],
    p_amounts_minor       bigint[],
    p_currencies          text[],
    p_succeeded           boolean[]
) returns table (notice_no integer, outcome text, recorded_outcome text)
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
    return query
    with noted as (
        insert into rowlock.payments (event_id, provider, provider_reference, order_id, amount_minor, currency, status, outcome)
        select p_event_id, n.provider, n.reference, n.order_id, n.amount_minor, n.currency, 'succeeded', 'paid'
          from unnest(p_order_ids, p_providers, p_provider_references, p_amounts_minor, p_currencies)
               as n(order_id, provider, reference, amount_minor, currency)
        returning order_id
    ), paid as (
        update rowlock.orders o
           set status = 'paid', ended_at = clock_timestamp()
          from noted n
         where o.event_id = p_event_id and o.order_id = n.order_id and o.status = 'pending_payment'
    )
    select n::integer, 'paid', null::text from generate_series(1, cardinality(p_order_ids)) as n;
end
$$;
