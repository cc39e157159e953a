-- Makes a claim and a payment cheap: paying an order touches no index any more, and claiming one touches three instead of five.
--
-- Whoever claims, pays or expires meanwhile waits at these locks, from the first statement on: once they are held, no transaction is
-- between two of its statements, so that none goes on with functions as they were before.
set local role rowlock_owner;
lock table rowlock.events, rowlock.orders, rowlock.payments, rowlock.tickets in access exclusive mode;

-- The functions look at both ends under their locks, nothing ever deletes an event or an order, and admin.invariant_violations would
-- show an end that is missing; checking again row by row cost a sixth of a payment.
alter table rowlock.orders drop constraint orders_event_id_fkey;
alter table rowlock.payments drop constraint payments_event_id_fkey;
alter table rowlock.tickets drop constraint tickets_event_id_order_id_fkey;

-- An index over the status, be it only in its condition, would make every change of an order a change of all its indexes. Whether
-- an order is live stays the same when it is paid. Names that are only ever compared for equality need no language's rules.
drop index rowlock.orders_pending_by_deadline;
drop index rowlock.orders_live_by_customer;
drop index rowlock.orders_by_customer;
drop index rowlock.orders_by_idempotency_key;
alter table rowlock.orders
    alter column customer_id type text collate "C",
    alter column idempotency_key type text collate "C",
    add column is_live boolean not null generated always as (status in ('pending_payment', 'paid')) stored,
    -- Room for every order of a page to be paid in one transaction.
    set (fillfactor = 45);
create unique index orders_by_customer on rowlock.orders (event_id, customer_id, idempotency_key);
-- A customer may have any number of ended orders; a claim counts the live ones only.
create index orders_live_by_customer on rowlock.orders (event_id, customer_id) where is_live;
comment on column rowlock.orders.is_live is 'Whether it holds or owns its seats: pending or paid.';

drop index rowlock.payments_by_order;
alter table rowlock.payments
    alter column provider type text collate "C",
    alter column provider_reference type text collate "C";

-- Room for every seat of a page to be claimed in one transaction, as claims of the best available seats do.
alter table rowlock.seats set (fillfactor = 42);

-- What is overdue is found here: one row a batch of claims, instead of an index over all orders. It goes when all its orders have ended.
create table rowlock.deadlines (
    event_id       bigint not null,
    expires_at     timestamptz not null,
    first_order_id uuid not null,
    order_ids      uuid[] not null check (cardinality(order_ids) >= 1),
    primary key (expires_at, event_id, first_order_id)
);
comment on table rowlock.deadlines is 'Orders by deadline: every pending order is listed, one row for all that were claimed together.';
comment on column rowlock.deadlines.event_id is 'The event of the orders.';
comment on column rowlock.deadlines.expires_at is 'Their deadline.';
comment on column rowlock.deadlines.first_order_id is 'One of them, to tell batches with the same deadline apart.';
comment on column rowlock.deadlines.order_ids is 'The orders; those that have ended may be missing.';

insert into rowlock.deadlines (event_id, expires_at, first_order_id, order_ids)
select o.event_id, o.expires_at, min(o.order_id::text)::uuid, array_agg(o.order_id)
  from rowlock.orders o
 where o.status = 'pending_payment'
 group by o.event_id, o.expires_at;

-- As in its file, which is applied a moment later: no order may be claimed in between without its deadline being listed.
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

    -- Sorted once for all: an aggregate with an order of its own would sort again for every order.
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
    select p_event_id, v_expires_at, (array_agg(p.order_id))[1], array_agg(p.order_id)
      from placed p;
end
$$;

reset role;
