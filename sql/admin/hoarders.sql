-- Who keeps seats from others: customers who have let as many orders end unpaid as their event allows, since they last paid for one.
-- _cooldown_left_ms decides by the same rules: late money that is owed back undoes nothing. rowlock.shown_orders explains how customers are
-- shown. Ask for one event: the view reads all of its orders that ended unpaid.
create or replace view admin.hoarders with (security_barrier) as
select u.event_id, u.customer, count(*) as unpaid_orders, sum(u.seats)::bigint as seats, max(u.ended_at) as last_ended_at,
    max(u.ended_at) + u.cooldown_ms * interval '1 millisecond' as cooldown_ends_at
from (
    select o.event_id, o.customer, w.ended_at, cardinality(o.seat_nos) as seats, e.unpaid_orders_max, e.unpaid_window_ms, e.cooldown_ms,
        max(w.ended_at) over (partition by o.event_id, o.customer_id) as last_ended_at,
        (
            select max(p.ended_at)
            from rowlock.orders p
            where p.event_id = o.event_id and p.customer_id = o.customer_id and p.is_live and p.amount_minor > 0
        ) as last_paid_at
    from rowlock.events e
    join rowlock.shown_orders o on o.event_id = e.event_id
    left join rowlock.late_orders l on l.event_id = o.event_id and l.order_id = o.order_id
    cross join lateral (select coalesce(l.released_at, o.ended_at) as ended_at) w
    where e.cooldown_ms > 0 and o.status in ('expired', 'cancelled', 'refund_due', 'refunded')
) u
where u.ended_at > greatest(u.last_ended_at - u.unpaid_window_ms * interval '1 millisecond', u.last_paid_at)
group by u.event_id, u.customer, u.unpaid_orders_max, u.cooldown_ms
having count(*) >= u.unpaid_orders_max
order by u.event_id, unpaid_orders desc, u.customer;

comment on view admin.hoarders is
    'Customers who let too many orders end unpaid. For rowlock_admin and rowlock_readonly, which sees pseudonyms for customers.';
comment on column admin.hoarders.event_id is 'The event.';
comment on column admin.hoarders.customer is 'The customer: the id for rowlock_admin, a pseudonym for others.';
comment on column admin.hoarders.unpaid_orders is
    'How many orders ended unpaid since the last that was paid for, within unpaid_window_ms before the last of them.';
comment on column admin.hoarders.seats is 'How many seats these orders held together.';
comment on column admin.hoarders.last_ended_at is 'When the last of them ended.';
comment on column admin.hoarders.cooldown_ends_at is 'When the customer may claim again; in the past: may do so now.';
grant select on admin.hoarders to rowlock_admin, rowlock_readonly;
