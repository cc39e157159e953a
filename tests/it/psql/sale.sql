-- A small sale for the cookbook and the tests of schema admin, half an hour after it began: an order of each kind, money of each kind,
-- an expiry that was given up, seats kept back. Orders have ids that a reader can tell apart.
set timezone = 'UTC';

select rowlock.create_event('{
    "name": "Spring Gala", "venue": "Town Hall", "currency": "TWD", "window_ms": 600000, "seats_per_customer": 4,
    "sections": [
        {"code": "A", "name": "Floor", "price_minor": 280000, "rows": [{"label": "1", "seats": 10}, {"label": "2", "seats": 10}]},
        {"code": "B", "name": "Balcony", "price_minor": 150000, "rows": [{"label": "1", "seats": 10}]}
    ]
}');
select rowlock.change_event(1, '{"status": "open"}');
set session authorization olivia;
select admin.block_seats(1, 'A 19-20', 'for the press');
reset session authorization;

create temporary table sale (order_no integer, customer text, section_no integer, seats integer[], claimed_min_ago integer);
insert into sale values
    (1, 'ada', 1, '{1,2}', 29), (2, 'cleo', 1, '{3}', 28), (4, 'finn', 1, '{5}', 26), (5, 'gus', 2, '{4}', 25), (6, 'hana', 1, '{6}', 24),
    (7, 'eve', 2, '{3}', 20);
create function pg_temp.id(p_order_no integer) returns uuid language sql as $$ select format('01970000-0000-7000-8000-%s', lpad(p_order_no::text, 12, '0'))::uuid $$;
create function pg_temp.claim(p_order_no integer, p_customer text, p_section_no integer, p_seats integer[]) returns text language sql as $$
    select c.outcome
    from rowlock.claim_seats(
        p_event_id => 1, p_order_ids => array[pg_temp.id(p_order_no)], p_customer_ids => array[p_customer], p_idempotency_keys => '{null}',
        p_fingerprints => '{null}', p_request_nos => array_fill(1, array[cardinality(p_seats)]),
        p_section_nos => array_fill(p_section_no, array[cardinality(p_seats)]), p_seat_nos => p_seats) c $$;
create function pg_temp.notice(p_order_no integer, p_provider text, p_reference text, p_amount bigint, p_succeeded boolean default true)
returns text language sql as $$
    select s.outcome
    from rowlock.settle_payments(
        p_event_id => 1, p_order_ids => array[pg_temp.id(p_order_no)], p_providers => array[p_provider],
        p_provider_references => array[p_reference], p_amounts_minor => array[p_amount], p_currencies => '{TWD}',
        p_succeeded => array[p_succeeded], p_message_ids => array[gen_random_uuid()::text]) s $$;
-- Moves an order, and everything that has just been said of it, back in time.
create function pg_temp.age(p_order_no integer, p_minutes integer) returns void language sql as $$
    with moved as (
        update rowlock.orders
        set created_at = created_at - make_interval(mins => p_minutes), expires_at = expires_at - make_interval(mins => p_minutes),
            ended_at = ended_at - make_interval(mins => p_minutes)
        where order_id = pg_temp.id(p_order_no)
        returning event_id, order_id, expires_at, status
    )
    insert into rowlock.deadlines select event_id, expires_at, order_id, array[order_id] from moved where status = 'pending_payment'
    on conflict do nothing $$;

select order_no, pg_temp.claim(order_no, customer, section_no, seats) from sale order by order_no;
select pg_temp.age(order_no, claimed_min_ago) from sale;

-- 1 is paid, and then once more.
select pg_temp.notice(1, 'cardpay', 'ch_1001', 560000), pg_temp.notice(1, 'cardpay', 'ch_1002', 560000);
-- 2 expires, 3 buys its seat, and then the money for 2 arrives.
select outcome from rowlock.expire_orders(1, array[pg_temp.id(2)]);
select pg_temp.claim(3, 'ben', 1, '{3}');
select pg_temp.notice(3, 'walletpay', 'w-77', 280000);
select pg_temp.notice(2, 'walletpay', 'w-78', 280000);
-- 4 fails to pay and cancels.
select pg_temp.notice(4, 'cardpay', 'ch_1003', 280000, false);
select status from rowlock.cancel_order(1, pg_temp.id(4), 'finn');
-- 5 pays too little, and expires.
select pg_temp.notice(5, 'cardpay', 'ch_1004', 1500);
select outcome from rowlock.expire_orders(1, array[pg_temp.id(5)]);
-- 6 expires, and its late money finds the seat still free; then it is charged back.
select outcome from rowlock.expire_orders(1, array[pg_temp.id(6)]);
select pg_temp.notice(6, 'cardpay', 'ch_1005', 280000), pg_temp.notice(6, 'cardpay', 'ch_1005', 280000, false);
-- 7 is overdue and cannot be expired.
select rowlock.record_expiry_failure(
    p_event_id => 1, p_order_id => pg_temp.id(7), p_error => 'the disk is full', p_attempts_max => 1);
-- 8 and 9 still have time.
select pg_temp.claim(8, 'dan', 2, '{1,2}'), pg_temp.claim(9, 'ada', 2, '{9}');

-- What happened at which minute.
update rowlock.late_orders set released_at = date_trunc('minute', now()) - interval '18 min' where order_id = pg_temp.id(2);
update rowlock.late_orders set released_at = date_trunc('minute', now()) - interval '14 min' where order_id = pg_temp.id(6);
update rowlock.orders set created_at = date_trunc('minute', now()) - interval '17 min' where order_id = pg_temp.id(3);
create temporary table ends (order_no integer, minutes integer);
insert into ends values (1, 27), (2, 10), (3, 15), (4, 22), (5, 15), (6, 10);
update rowlock.orders o set ended_at = date_trunc('minute', now()) - make_interval(mins => e.minutes)
from ends e where o.order_id = pg_temp.id(e.order_no);
update rowlock.tickets t set issued_at = o.ended_at from rowlock.orders o where o.order_id = t.order_id;
update rowlock.payments p set received_at = o.ended_at from rowlock.orders o where o.order_id = p.order_id;
update rowlock.payments set received_at = received_at + interval '1 min' where provider_reference = 'ch_1002';
update rowlock.payments set received_at = received_at - interval '30 s' where provider_reference = 'ch_1003';
update rowlock.payments set received_at = received_at - interval '6 min' where provider_reference = 'ch_1004';
update rowlock.payments set reversed_at = received_at + interval '7 min' where provider_reference = 'ch_1005';
update rowlock.orders set created_at = date_trunc('second', now()) - interval '2 min' where order_id in (pg_temp.id(8), pg_temp.id(9));
update rowlock.expiry_failures set first_failed_at = now() - interval '9 min', last_failed_at = now() - interval '8 min';
update rowlock.admin_actions set acted_at = date_trunc('minute', now()) - make_interval(mins => 60 - action_id::integer);
