-- All expiries that were given up. rowlock.shown_orders explains how customers are shown; an error may quote a row, including the customer.
create or replace view admin.dead_letters with (security_barrier) as
select f.event_id, f.order_id, o.customer, o.status::text as order_status, cardinality(o.seat_nos) as seats, f.attempts,
    case when (select pg_has_role('rowlock_admin', 'usage')) then f.last_error end as last_error, f.first_failed_at, f.last_failed_at
from rowlock.expiry_failures f
left join rowlock.shown_orders o on o.event_id = f.event_id and o.order_id = f.order_id
where f.retry_at is null
order by f.last_failed_at desc, f.event_id, f.order_id;

comment on view admin.dead_letters is
    'Orders whose expiry was given up; their seats stay held. For rowlock_admin and rowlock_readonly, which sees pseudonyms for customers.';
comment on column admin.dead_letters.event_id is 'The event.';
comment on column admin.dead_letters.order_id is 'The order that could not be expired.';
comment on column admin.dead_letters.customer is 'Its buyer: the id for rowlock_admin, a pseudonym for others.';
comment on column admin.dead_letters.order_status is 'The order''s status; pending_payment while its seats are held.';
comment on column admin.dead_letters.seats is 'How many seats it claimed.';
comment on column admin.dead_letters.attempts is 'How many attempts failed.';
comment on column admin.dead_letters.last_error is 'Error of the last attempt; for rowlock_admin only.';
comment on column admin.dead_letters.first_failed_at is 'When the first attempt failed.';
comment on column admin.dead_letters.last_failed_at is 'When the last attempt failed.';
grant select on admin.dead_letters to rowlock_admin, rowlock_readonly;
