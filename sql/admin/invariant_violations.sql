-- Everything that must never be, one row a violation: an empty answer means that no seat, order, ticket or cent is astray.
-- It is one statement, so it judges one moment, also while seats are being sold. The large joins are full joins: they cannot be
-- nested loops, which an outdated statistic ("hardly a seat is sold") would make of them.
drop view if exists admin.invariant_violations;

create view admin.invariant_violations as
with listed as not materialized (
    -- The seats that live orders list, with what each seat must be.
    select o.event_id, o.order_id, l.section_no, l.seat_no,
        case o.status when 'paid' then 'sold' else 'held' end::rowlock.seat_status as status
    from rowlock.orders o
    cross join unnest(o.section_nos, o.seat_nos) as l (section_no, seat_no)
    where o.status in ('pending_payment', 'paid')
), bought as not materialized (
    select p.event_id, p.order_id, count(*) as payments
    from rowlock.payments p
    where p.outcome in ('paid', 'late_reclaimed')
    group by p.event_id, p.order_id
)
-- 1. Seats and live orders name each other.
select case when l.event_id is null then 'seat_without_order' else 'order_without_seat' end as invariant,
    event_id, coalesce(l.order_id, s.order_id) as order_id, section_no, seat_no,
    case when l.event_id is null then format('the seat is %s, but no live order lists it', s.status)
        when s.event_id is null then format('the order lists the seat as %s, but it is neither held nor sold', l.status)
        else format('the order lists the seat as %s, but it is %s for order %s', l.status, s.status, s.order_id) end as detail
from (select * from rowlock.seats where status in ('held', 'sold')) s
full join listed l using (event_id, section_no, seat_no)
where s.status is distinct from l.status or s.order_id is distinct from l.order_id
union all
select 'seat_in_two_orders', l.event_id, null, l.section_no, l.seat_no, format('live orders list the seat %s times', count(*))
from listed l
group by l.event_id, l.section_no, l.seat_no
having count(*) > 1
-- 2. One ticket for each seat of a paid order, and no other ticket. Its primary key rules out two tickets for a seat.
union all
select case when t.event_id is null then 'seat_without_ticket' else 'ticket_without_paid_order' end,
    event_id, order_id, section_no, seat_no,
    case when t.event_id is null then 'the order is paid, but has no ticket for the seat'
        else 'no paid order lists the seat of the ticket' end
from (select * from listed where status = 'sold') l
full join rowlock.tickets t using (event_id, section_no, seat_no, order_id)
where l.event_id is null or t.event_id is null
-- 3. A section's counts are those of its seats.
union all
select 'section_counts', event_id, null, section_no, null,
    format('counted %s available, %s held, %s sold, %s blocked; recorded %s, %s, %s, %s of %s',
        coalesce(c.available, 0), coalesce(c.held, 0), coalesce(c.sold, 0), coalesce(c.blocked, 0),
        s.available, s.held, s.sold, s.blocked, s.capacity)
from rowlock.sections s
full join (
    select event_id, section_no, count(*) filter (where status = 'available') as available, count(*) filter (where status = 'held') as held,
        count(*) filter (where status = 'sold') as sold, count(*) filter (where status = 'blocked') as blocked
    from rowlock.seats
    group by event_id, section_no
) c using (event_id, section_no)
where (s.available, s.held, s.sold, s.blocked) is distinct from (c.available, c.held, c.sold, c.blocked)
    or s.capacity is distinct from c.available + c.held + c.sold + c.blocked
-- 4. Money buys seats or is owed back, and seats are bought with money, once.
union all
select 'money_without_seats', p.event_id, p.order_id, null, null,
    format('payment %s %s succeeded (%s), but its order is %s', p.provider, p.provider_reference, p.outcome,
        coalesce(o.status::text, 'unknown'))
from rowlock.payments p
left join rowlock.orders o using (event_id, order_id)
where p.status = 'succeeded'
    and case when o.status is null then p.outcome <> 'refund_due' else o.status not in ('paid', 'refund_due', 'refunded') end
union all
select 'paid_without_payment', event_id, order_id, null, null, 'the order is paid, but no payment paid it'
from (select * from rowlock.orders where status = 'paid') o
full join bought b using (event_id, order_id)
where b.event_id is null
union all
select 'paid_twice', b.event_id, b.order_id, null, null, format('%s payments have bought the order''s seats', b.payments)
from bought b
where b.payments > 1
-- 5. Nothing waits for a payment long after its deadline.
union all
select 'order_overdue', o.event_id, o.order_id, null, null,
    format('the order is pending %s ms after its deadline', round(extract(epoch from clock_timestamp() - o.expires_at) * 1000))
from rowlock.orders o
where o.status = 'pending_payment' and o.expires_at < clock_timestamp() - interval '2 seconds';

comment on view admin.invariant_violations is
    'What must never be, one row a violation. Empty: no seat, order, ticket or cent is astray.';
comment on column admin.invariant_violations.invariant is 'Which rule is broken.';
comment on column admin.invariant_violations.event_id is 'The event in which it is broken.';
comment on column admin.invariant_violations.order_id is 'The order concerned, if there is one.';
comment on column admin.invariant_violations.section_no is 'The section concerned, if there is one.';
comment on column admin.invariant_violations.seat_no is 'The seat''s number within the section, if a seat is concerned.';
comment on column admin.invariant_violations.detail is 'What was found.';
grant select on admin.invariant_violations to rowlock_admin, rowlock_readonly;
