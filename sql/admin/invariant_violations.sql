-- Everything that must never happen, one row per violation: no row means that every seat, order, ticket and cent is accounted for.
--
-- It is one statement, so it judges one moment, even while seats are being sold. It gathers everything that is said about a seat or an
-- order and groups it, instead of joining tables to each other: no outdated statistic can turn it into nested loops, and a filter on
-- event_id reaches every table.
create or replace view admin.invariant_violations as
with seat_claims as not materialized (
    -- What seats, live orders and tickets say about a seat and an order. Anything but agreement is a violation.
    select event_id, order_id, section_no, seat_no, max(seat) as seat, count(listed) as listings, max(listed) as listed,
        count(ticket) as tickets
    from (
        select s.event_id, s.order_id, s.section_no, s.seat_no, s.status as seat, null::rowlock.seat_status as listed,
            null::boolean as ticket
        from rowlock.seats s
        where s.status in ('held', 'sold')
        union all
        select o.event_id, o.order_id, l.section_no, l.seat_no, null,
            case o.status when 'paid' then 'sold' else 'held' end::rowlock.seat_status, null
        from rowlock.orders o
        cross join unnest(o.section_nos, o.seat_nos) as l (section_no, seat_no)
        where o.status in ('pending_payment', 'paid')
        union all
        select t.event_id, t.order_id, t.section_no, t.seat_no, null, null, true
        from rowlock.tickets t
    ) c
    group by event_id, order_id, section_no, seat_no
    having count(listed) <> 1 or max(seat) is distinct from max(listed) or count(ticket) <> (max(listed) = 'sold')::integer
), order_money as not materialized (
    -- Suspicious orders: paid ones without exactly one payment that bought their seats, others with money. Money that is owed back is
    -- fine if it was wrong while the order was pending, or for an unknown order. Seats that cost nothing need no payment; notices of a
    -- zero amount may report one.
    select event_id, order_id, max(status) as status, max(costs) as costs, count(outcome) as payments, count(owed_at) as owed,
        max(received_at) > max(ended_at) as came_late,
        count(*) filter (where outcome in ('paid', 'late_reclaimed') and paid > 0) as buying_payments,
        count(*) filter (where outcome in ('paid', 'late_reclaimed') and paid = 0) as empty_payments
    from (
        select o.event_id, o.order_id, o.status, o.amount_minor as costs, o.ended_at, null::rowlock.payment_outcome as outcome,
            null::bigint as paid, null::timestamptz as received_at, null::timestamptz as owed_at
        from rowlock.orders o
        union all
        select p.event_id, p.order_id, null, null, null, p.outcome, p.amount_minor, p.received_at,
            case when p.outcome = 'refund_due' and p.refunded_at is null then p.received_at end
        from rowlock.payments p
        where p.status = 'succeeded'
    ) m
    group by event_id, order_id
    having count(outcome) > 0 and max(status) is distinct from 'paid' or max(status) = 'refund_due'
        or count(*) filter (where outcome in ('paid', 'late_reclaimed') and paid > 0) <> (max(status) = 'paid' and max(costs) > 0)::integer
        or count(*) filter (where outcome in ('paid', 'late_reclaimed') and paid = 0) > 0 and max(costs) > 0
), section_seats as not materialized (
    select event_id, section_no, max(capacity) as capacity, max(available) as available, max(held) as held, max(sold) as sold,
        max(blocked) as blocked, sum(seats_available) as seats_available, sum(seats_held) as seats_held, sum(seats_sold) as seats_sold,
        sum(seats_blocked) as seats_blocked
    from (
        select s.event_id, s.section_no, s.capacity, s.available, s.held, s.sold, s.blocked,
            0 as seats_available, 0 as seats_held, 0 as seats_sold, 0 as seats_blocked
        from rowlock.sections s
        union all
        select s.event_id, s.section_no, null, null, null, null, null, count(*) filter (where s.status = 'available'),
            count(*) filter (where s.status = 'held'), count(*) filter (where s.status = 'sold'),
            count(*) filter (where s.status = 'blocked')
        from rowlock.seats s
        group by s.event_id, s.section_no
    ) c
    group by event_id, section_no
), unlisted_orders as not materialized (
    -- Pending orders that rowlock.deadlines does not list under their deadline: the sweep would never find them.
    select event_id, order_id, expires_at
    from (
        select o.event_id, o.order_id, o.expires_at, true as pending, null::boolean as listed
        from rowlock.orders o
        where o.status = 'pending_payment'
        union all
        select d.event_id, l.order_id, d.expires_at, null, true
        from rowlock.deadlines d
        cross join unnest(d.order_ids) as l (order_id)
    ) c
    group by event_id, order_id, expires_at
    having count(pending) > 0 and count(listed) = 0
)
-- 1 and 2. A seat held or sold has one live order that lists it, a live order has the seats it lists; a seat of a paid order has a
-- ticket, a ticket a paid order. The ticket's primary key rules out two tickets for a seat.
select v.invariant, c.event_id, c.order_id, c.section_no, c.seat_no,
    format('the seat is %s, listed by the live order as %s, %s times, with %s tickets', coalesce(c.seat::text, 'not the order''s'),
        coalesce(c.listed::text, 'nothing'), c.listings, c.tickets) as detail
from seat_claims c
cross join lateral (
    values
        ('seat_without_order', c.seat is not null and c.listings = 0),
        ('order_without_seat', c.listings > 0 and c.seat is distinct from c.listed),
        ('seat_listed_twice', c.listings > 1),
        ('seat_without_ticket', c.listed = 'sold' and c.tickets = 0),
        ('ticket_without_paid_order', c.tickets > 0 and c.listed is distinct from 'sold')
) as v (invariant, is_broken)
where v.is_broken
-- 3. A section's counts are those of its seats.
union all
select 'section_counts', s.event_id, null, s.section_no, null,
    format('available %s, held %s, sold %s, blocked %s of %s recorded; %s, %s, %s, %s counted', s.available, s.held, s.sold, s.blocked,
        s.capacity, s.seats_available, s.seats_held, s.seats_sold, s.seats_blocked)
from section_seats s
where (s.available, s.held, s.sold, s.blocked) is distinct from (s.seats_available, s.seats_held, s.seats_sold, s.seats_blocked)
    or s.capacity is distinct from s.seats_available + s.seats_held + s.seats_sold + s.seats_blocked
-- 4. Money buys seats or is owed back, and seats are bought with money, once.
union all
select v.invariant, m.event_id, m.order_id, null, null,
    format('the order is %s; %s payments succeeded, %s of them bought its seats', coalesce(m.status::text, 'unknown'), m.payments,
        m.buying_payments + m.empty_payments)
from order_money m
cross join lateral (
    values
        ('money_without_seats',
            m.status is distinct from 'paid' and m.buying_payments + m.empty_payments > 0
                or m.status in ('expired', 'cancelled') and m.came_late or m.costs = 0 and m.buying_payments > 0),
        ('refund_without_money', m.status = 'refund_due' and m.owed = 0),
        ('paid_without_payment', m.status = 'paid' and m.costs > 0 and m.buying_payments = 0),
        ('paid_twice', m.buying_payments > 1 or m.costs > 0 and m.buying_payments + m.empty_payments > 1)
) as v (invariant, is_broken)
where v.is_broken
-- 5. Nothing waits for a payment long after its deadline.
union all
select 'order_overdue', o.event_id, o.order_id, null, null,
    format('the order is pending %s ms after its deadline', round(extract(epoch from clock_timestamp() - o.expires_at) * 1000))
from rowlock.orders o
where o.status = 'pending_payment' and o.expires_at < clock_timestamp() - interval '2 seconds'
union all
select 'order_without_deadline', u.event_id, u.order_id, null, null, format('nothing would expire the order at %s', u.expires_at)
from unlisted_orders u
-- Live and ended orders each have a unique index over their keys; between the two only claims under the customer's lock keep watch.
union all
select 'idempotency_key_twice', o.event_id, min(o.order_id::text)::uuid, null, null,
    format('%s orders of one customer came with one idempotency key', count(*))
from rowlock.orders o
where o.idempotency_key is not null
group by o.event_id, o.customer_id, o.idempotency_key
having count(*) > 1
-- What an order gave back is not its own any more.
union all
select 'released_seat_listed', r.event_id, r.order_id, r.section_no, r.seat_no, 'the order lists a seat that it gave back'
from rowlock.released_seats r
cross join lateral (
    select o.section_nos, o.seat_nos from rowlock.orders o where o.event_id = r.event_id and o.order_id = r.order_id limit 1
) o
where (r.section_no, r.seat_no) in (select l.section_no, l.seat_no from unnest(o.section_nos, o.seat_nos) as l (section_no, seat_no))
-- Orders and payments have no foreign key to their event: it would be checked row by row at every claim and payment.
union all
select 'order_without_event', o.event_id, o.order_id, null, null, format('the order is %s', o.status)
from rowlock.orders o
where not exists (select from rowlock.events e where e.event_id = o.event_id)
union all
select 'payment_without_event', p.event_id, p.order_id, null, null,
    format('payment %s of %s', p.provider_reference, p.provider) collate "default"
from rowlock.payments p
where not exists (select from rowlock.events e where e.event_id = p.event_id);

comment on view admin.invariant_violations is
    'What must never happen, one row per violation; none if all is well. For rowlock_admin and rowlock_readonly.';
comment on column admin.invariant_violations.invariant is 'Which rule is broken.';
comment on column admin.invariant_violations.event_id is 'The event in which it is broken.';
comment on column admin.invariant_violations.order_id is 'The order concerned, if there is one.';
comment on column admin.invariant_violations.section_no is 'The section concerned, if there is one.';
comment on column admin.invariant_violations.seat_no is 'The seat''s number within the section, if a seat is concerned.';
comment on column admin.invariant_violations.detail is 'What was found.';
grant select on admin.invariant_violations to rowlock_admin, rowlock_readonly;
