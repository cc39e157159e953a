-- How many orders there are in each status, and how long ago they were made. Reads all orders of the events asked for.
create or replace view admin.orders_by_state as
select o.event_id, o.status::text as status,
    (array['under 10 s', '10 s to 1 min', '1 to 10 min', '10 min to 1 h', '1 h to 1 day', 'over a day'])[1 + o.age_no] as age,
    count(*) as orders, sum(cardinality(o.seat_nos)) as seats, sum(o.amount_minor)::bigint as amount_minor,
    min(o.created_at) as oldest_at
from (
    select o.event_id, o.status, o.seat_nos, o.amount_minor, o.created_at,
        width_bucket(extract(epoch from statement_timestamp() - o.created_at), array[10, 60, 600, 3600, 86400]) as age_no
    from rowlock.orders o
) o
group by o.event_id, o.status, o.age_no
order by o.event_id, o.status, o.age_no;

comment on view admin.orders_by_state is 'Orders counted by status and age. For rowlock_admin and rowlock_readonly.';
comment on column admin.orders_by_state.event_id is 'The event.';
comment on column admin.orders_by_state.status is 'pending_payment, paid, expired, cancelled, refund_due or refunded.';
comment on column admin.orders_by_state.age is 'How long ago they were made.';
comment on column admin.orders_by_state.orders is 'How many there are.';
comment on column admin.orders_by_state.seats is 'How many seats they claimed.';
comment on column admin.orders_by_state.amount_minor is 'Their total amount, in minor units of the event''s currency.';
comment on column admin.orders_by_state.oldest_at is 'When the oldest of them was made.';
grant select on admin.orders_by_state to rowlock_admin, rowlock_readonly;
