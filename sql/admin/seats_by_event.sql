-- One row per event, from the counts kept with every claim: it reads the sections and no seat.
create or replace view admin.seats_by_event as
select e.event_id, e.name, e.status::text as status, e.currency, sum(s.capacity) as capacity, sum(s.available) as available,
    sum(s.held) as held, sum(s.sold) as sold, sum(s.blocked) as blocked,
    round(100.0 * sum(s.sold) / sum(s.capacity), 1) as sold_percent,
    sum(s.sold * s.price_minor)::bigint as revenue_minor
from rowlock.events e
join rowlock.sections s on s.event_id = e.event_id
group by e.event_id
order by e.event_id;

comment on view admin.seats_by_event is 'Each event''s seats by status. For rowlock_admin and rowlock_readonly.';
comment on column admin.seats_by_event.event_id is 'The event.';
comment on column admin.seats_by_event.name is 'What people call it.';
comment on column admin.seats_by_event.status is 'draft, open, paused or closed.';
comment on column admin.seats_by_event.currency is 'ISO 4217 code of the revenue.';
comment on column admin.seats_by_event.capacity is 'All its seats.';
comment on column admin.seats_by_event.available is 'Seats on sale.';
comment on column admin.seats_by_event.held is 'Seats held by pending orders.';
comment on column admin.seats_by_event.sold is 'Seats sold.';
comment on column admin.seats_by_event.blocked is 'Seats blocked by the box office.';
comment on column admin.seats_by_event.sold_percent is 'Percentage of all seats that are sold.';
comment on column admin.seats_by_event.revenue_minor is 'Total price of the sold seats, in minor units.';
grant select on admin.seats_by_event to rowlock_admin, rowlock_readonly;
