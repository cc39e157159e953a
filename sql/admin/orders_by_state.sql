-- How many orders there are of each state, and how long ago they were made. Reads all orders of the events asked for.
create or replace view admin.orders_by_state as
select o.event_id, o.status::text as status, a.age, count(*) as orders, sum(cardinality(o.seat_nos)) as seats,
    sum(o.amount_minor)::bigint as amount_minor, min(o.created_at) as oldest_at
from rowlock.orders o
cross join lateral (select statement_timestamp() - o.created_at as age) m
join (values
    (1, 'under 10 s', '-1 day'::interval, '10 s'::interval), (2, '10 s to 1 min', '10 s', '1 min'), (3, '1 to 10 min', '1 min', '10 min'),
    (4, '10 min to 1 h', '10 min', '1 h'), (5, '1 h to 1 day', '1 h', '1 day'), (6, 'over a day', '1 day', '1000 years')
) as a (no, age, from_age, to_age) on m.age >= a.from_age and m.age < a.to_age
group by o.event_id, o.status, a.no, a.age
order by o.event_id, o.status, a.no;

comment on view admin.orders_by_state is 'Orders counted by state and age. For rowlock_admin and rowlock_readonly.';
comment on column admin.orders_by_state.event_id is 'The event.';
comment on column admin.orders_by_state.status is 'pending_payment, paid, expired, cancelled, refund_due or refunded.';
comment on column admin.orders_by_state.age is 'How long ago they were made.';
comment on column admin.orders_by_state.orders is 'How many there are.';
comment on column admin.orders_by_state.seats is 'How many seats they claimed.';
comment on column admin.orders_by_state.amount_minor is 'Their amounts together, in minor units of the event''s currency.';
comment on column admin.orders_by_state.oldest_at is 'When the oldest of them was made.';
grant select on admin.orders_by_state to rowlock_admin, rowlock_readonly;
