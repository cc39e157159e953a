-- A section's price never changes, so sold times price is what the buyers paid. It reads the sections and no seat.
create or replace view admin.sales_by_section as
select s.event_id, s.code as section, s.name, s.price_minor, e.currency, s.capacity, s.available, s.held, s.sold, s.blocked,
    round(100.0 * s.sold / s.capacity, 1) as sold_percent,
    s.sold * s.price_minor as revenue_minor
from rowlock.events e
join rowlock.sections s on s.event_id = e.event_id
order by s.event_id, s.section_no;

comment on view admin.sales_by_section is 'Seats and revenue, section by section. For rowlock_admin and rowlock_readonly.';
comment on column admin.sales_by_section.event_id is 'The event.';
comment on column admin.sales_by_section.section is 'The section''s code, for example A.';
comment on column admin.sales_by_section.name is 'What people call it.';
comment on column admin.sales_by_section.price_minor is 'Price of each of its seats in minor units.';
comment on column admin.sales_by_section.currency is 'ISO 4217 code of price and revenue.';
comment on column admin.sales_by_section.capacity is 'All its seats.';
comment on column admin.sales_by_section.available is 'Seats on sale.';
comment on column admin.sales_by_section.held is 'Seats held by pending orders.';
comment on column admin.sales_by_section.sold is 'Seats sold.';
comment on column admin.sales_by_section.blocked is 'Seats blocked by the box office.';
comment on column admin.sales_by_section.sold_percent is 'Percentage of its seats that are sold.';
comment on column admin.sales_by_section.revenue_minor is 'Total price of the sold seats, in minor units.';
grant select on admin.sales_by_section to rowlock_admin, rowlock_readonly;
