-- Who keeps seats from others: customers who have let as many orders end unpaid as their event allows, since their last paid one.
-- _cooldown_left_ms decides by the same rules. rowlock.shown_orders explains how customers are shown. Ask for one event: the view reads all
-- of its orders that ended.
create or replace view admin.hoarders with (security_barrier) as
select o.event_id, o.customer, count(*) as unpaid_orders, sum(cardinality(o.seat_nos))::bigint as seats, max(o.ended_at) as last_ended_at,
    max(o.ended_at) + e.cooldown_ms * interval '1 millisecond' as cooldown_ends_at
from rowlock.events e
join rowlock.shown_orders o on o.event_id = e.event_id
where e.cooldown_ms > 0 and o.status in ('expired', 'cancelled')
    and o.ended_at > statement_timestamp() - e.unpaid_window_ms * interval '1 millisecond'
    and o.ended_at > coalesce(
        (
            select max(p.ended_at)
            from rowlock.orders p
            where p.event_id = o.event_id and p.customer_id = o.customer_id and p.is_live
        ), '-infinity'
    )
group by o.event_id, o.customer, e.unpaid_orders_max, e.cooldown_ms
having count(*) >= e.unpaid_orders_max
order by o.event_id, unpaid_orders desc, o.customer;

comment on view admin.hoarders is
    'Customers who let too many orders end unpaid. For rowlock_admin and rowlock_readonly, which sees pseudonyms for customers.';
comment on column admin.hoarders.event_id is 'The event.';
comment on column admin.hoarders.customer is 'The customer: the id for rowlock_admin, a pseudonym for others.';
comment on column admin.hoarders.unpaid_orders is
    'How many orders ended unpaid within the event''s unpaid_window_ms, since the last paid one.';
comment on column admin.hoarders.seats is 'How many seats these orders held together.';
comment on column admin.hoarders.last_ended_at is 'When the last of them ended.';
comment on column admin.hoarders.cooldown_ends_at is 'When the customer may claim again; in the past: may do so now, once.';
grant select on admin.hoarders to rowlock_admin, rowlock_readonly;
