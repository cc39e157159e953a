-- Writes what a batch's winners won: their seats become held, their orders are created, with one row of rowlock.deadlines for them all,
-- named by the first by id, as claimed_together finds it. The first arrays have one element a request,
-- the last four one a won seat, in the order asked for, naming its request and where the locked row of the seat lies. The time is the
-- database's, cut to milliseconds; deadlines follow from the event's window. Moving the counts is left to the caller, once a batch.
--
-- Locks: none beyond the callers': the seats are locked in this transaction, new order ids have no rival, and the customers' advisory
-- locks keep rivals for an idempotency key away.
-- Errors: RL010 if a seat was not there to be held.
create or replace function rowlock._place_orders(
    p_event_id         bigint,
    p_window_ms        integer,
    p_order_ids        uuid[],
    p_customer_ids     text[],
    p_idempotency_keys text[],
    p_fingerprints     bytea[],
    p_request_nos      integer[],
    p_section_nos      integer[],
    p_seat_nos         integer[],
    p_seat_rows        tid[]
) returns void
language plpgsql
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_now        timestamptz := date_trunc('milliseconds', clock_timestamp());
    v_expires_at timestamptz := v_now + p_window_ms * interval '1 millisecond';
    v_held       integer;
begin
    update rowlock.seats s
       set status = 'held', order_id = p_order_ids[w.request_no]
      from unnest(p_request_nos, p_seat_rows) as w(request_no, seat_row)
     where s.ctid = w.seat_row and s.status = 'available';
    get diagnostics v_held = row_count;
    perform rowlock._assert_rows(v_held, cardinality(p_seat_rows), 'claimed seats');

    -- Sorted once for all: an aggregate with an order of its own would sort again for every order. (The deadline's does so once a batch.)
    with placed as (
        insert into rowlock.orders (event_id, order_id, customer_id, section_nos, seat_nos, amount_minor, created_at, expires_at,
                                    idempotency_key, fingerprint)
        select p_event_id, p_order_ids[w.request_no], p_customer_ids[w.request_no], w.section_nos, w.seat_nos, w.amount_minor, v_now,
               v_expires_at, p_idempotency_keys[w.request_no],
               case when p_idempotency_keys[w.request_no] is not null then p_fingerprints[w.request_no] end
          from (select w.request_no, array_agg(w.section_no) as section_nos, array_agg(w.seat_no) as seat_nos,
                       sum(w.price_minor)::bigint as amount_minor
                  from (select w.request_no, w.section_no, w.seat_no, s.price_minor
                          from unnest(p_request_nos, p_section_nos, p_seat_nos)
                               with ordinality as w(request_no, section_no, seat_no, seat_order)
                          join rowlock.sections s on s.event_id = p_event_id and s.section_no = w.section_no
                         order by w.request_no, w.seat_order) w
                 group by w.request_no) w
        returning order_id
    )
    insert into rowlock.deadlines (event_id, expires_at, first_order_id, order_ids)
    select p_event_id, v_expires_at, p.order_ids[1], p.order_ids
      from (select array_agg(p.order_id order by p.order_id) as order_ids from placed p) p;
end
$$;

comment on function rowlock._place_orders(bigint, integer, uuid[], text[], text[], bytea[], integer[], integer[], integer[], tid[]) is
    'Holds the seats of a batch''s winners and creates their orders.';
revoke all on function rowlock._place_orders(bigint, integer, uuid[], text[], text[], bytea[], integer[], integer[], integer[], tid[])
    from public;
