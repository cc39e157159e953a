-- Answers at once and does nothing: what is left is the way of a request to PostgreSQL and of its answer back.
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
language sql
as $$
    select w.request_no, 'claimed', w.order_id, 'pending_payment', array[w.section_no], array[w.seat_no], 280000::bigint, now(),
           now() + interval '1 day', null::integer[], null::integer[]
      from unnest(p_request_nos, p_order_ids, p_section_nos, p_seat_nos) as w(request_no, order_id, section_no, seat_no)
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
language sql
as $$
    select n::integer, 'paid', null::text from generate_series(1, cardinality(p_order_ids)) as n
$$;
