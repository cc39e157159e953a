-- One ticket is written per seat when an order is paid. Minutes without a sale have no row.
create or replace view admin.sales_by_minute as
select t.event_id, date_trunc('minute', t.issued_at) as minute, count(distinct t.order_id) as orders, count(*) as seats,
    sum(s.price_minor)::bigint as revenue_minor,
    sum(count(*)) over (partition by t.event_id order by date_trunc('minute', t.issued_at))::bigint as seats_so_far,
    sum(sum(s.price_minor)) over (partition by t.event_id order by date_trunc('minute', t.issued_at))::bigint as revenue_so_far_minor
from rowlock.tickets t
join rowlock.sections s on s.event_id = t.event_id and s.section_no = t.section_no
group by t.event_id, date_trunc('minute', t.issued_at)
order by t.event_id, minute;

comment on view admin.sales_by_minute is 'What was sold, minute by minute. For rowlock_admin and rowlock_readonly.';
comment on column admin.sales_by_minute.event_id is 'The event.';
comment on column admin.sales_by_minute.minute is 'The minute in which the orders were paid.';
comment on column admin.sales_by_minute.orders is 'Orders paid in it.';
comment on column admin.sales_by_minute.seats is 'Seats sold in it.';
comment on column admin.sales_by_minute.revenue_minor is 'Total price of those seats, in minor units of the event''s currency.';
comment on column admin.sales_by_minute.seats_so_far is 'Seats sold by the end of the minute.';
comment on column admin.sales_by_minute.revenue_so_far_minor is 'Revenue by the end of the minute, in minor units.';
grant select on admin.sales_by_minute to rowlock_admin, rowlock_readonly;
