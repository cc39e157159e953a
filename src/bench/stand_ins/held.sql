-- The least that can be done with a row for each seat: besides what must be written, a claim counts the customer's live orders, skips
-- seats that are locked and holds its own; a payment sells the seats and writes the tickets. No rivals within the batch, no repeated
-- requests (the bench sends none: a bound from below), no deadlines, no counts of sections, no answer but "yes". Its statements have
-- generic plans, as the real ones have.
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
    with free as materialized (
        select w.*, s.seat_row
          from unnest(p_order_ids, p_customer_ids, p_idempotency_keys, p_fingerprints, p_section_nos, p_seat_nos)
               as w(order_id, customer_id, idempotency_key, fingerprint, section_no, seat_no)
         cross join lateral (
                select s.ctid as seat_row
                  from rowlock.seats s
                 where s.event_id = p_event_id and s.section_no = w.section_no and s.seat_no = w.seat_no and s.status = 'available'
                   for update skip locked) s
         cross join lateral (
                select count(*) as live_orders
                  from (select from rowlock.orders o
                         where o.event_id = p_event_id and o.customer_id between w.customer_id and w.customer_id and o.is_live
                         order by o.customer_id) o) l
         where l.live_orders < 1000
    ), placed as (
        insert into rowlock.orders (event_id, order_id, customer_id, section_nos, seat_nos, amount_minor, created_at, expires_at,
                                    idempotency_key, fingerprint)
        select p_event_id, f.order_id, f.customer_id, array[f.section_no], array[f.seat_no], 280000, now(), now() + interval '1 day',
               f.idempotency_key, f.fingerprint
          from free f
    ), held as (
        update rowlock.seats s
           set status = 'held', order_id = f.order_id, filler = null
          from free f
         where s.ctid = f.seat_row
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
        returning o.order_id, o.section_nos[1] as section_no, o.seat_nos[1] as seat_no
    ), ticketed as (
        insert into rowlock.tickets (event_id, section_no, seat_no, order_id, issued_at)
        select p_event_id, p.section_no, p.seat_no, p.order_id, clock_timestamp()
          from paid p
    ), sold as (
        update rowlock.seats s
           set status = 'sold'
          from paid p
         where s.event_id = p_event_id and s.section_no = p.section_no and s.seat_no = p.seat_no and s.status = 'held'
    )
    select n::integer, 'paid', null::text from generate_series(1, cardinality(p_order_ids)) as n;
end
$$;
