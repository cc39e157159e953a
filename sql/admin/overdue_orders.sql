-- Pending orders past their deadline, found as the sweep finds them: through rowlock.deadlines, not by reading all orders. A moment late is
-- normal; seconds late means that no server is running, or that expiring the order fails. rowlock.shown_orders explains how customers are
-- shown.
create or replace view admin.overdue_orders with (security_barrier) as
select o.event_id, o.order_id, o.customer, cardinality(o.seat_nos) as seats, o.expires_at,
    round(extract(epoch from statement_timestamp() - o.expires_at) * 1000)::bigint as overdue_ms,
    coalesce(f.attempts, 0) as failed_attempts, f.retry_at,
    f.order_id is not null and f.retry_at is null as is_dead_letter
from rowlock.deadlines d
cross join unnest(d.order_ids) as l (order_id)
-- One look-up by key per order: a join could choose to read all orders.
cross join lateral (
    select o.event_id, o.order_id, o.customer, o.status, o.seat_nos, o.expires_at
    from rowlock.shown_orders o
    where o.event_id = d.event_id and o.order_id = l.order_id
    limit 1
) o
left join rowlock.expiry_failures f on f.event_id = o.event_id and f.order_id = o.order_id
where d.expires_at < statement_timestamp() and o.status = 'pending_payment' and o.expires_at < statement_timestamp()
order by o.expires_at, o.event_id, o.order_id;

comment on view admin.overdue_orders is
    'Pending orders past their deadline. For rowlock_admin and rowlock_readonly, which sees pseudonyms for customers.';
comment on column admin.overdue_orders.event_id is 'The event.';
comment on column admin.overdue_orders.order_id is 'The order.';
comment on column admin.overdue_orders.customer is 'Its buyer: the id for rowlock_admin, a pseudonym for others.';
comment on column admin.overdue_orders.seats is 'How many seats it holds.';
comment on column admin.overdue_orders.expires_at is 'Its deadline.';
comment on column admin.overdue_orders.overdue_ms is 'How long ago that was, in milliseconds.';
comment on column admin.overdue_orders.failed_attempts is 'How often its expiry failed.';
comment on column admin.overdue_orders.retry_at is 'When the next attempt is due, after a failed one.';
comment on column admin.overdue_orders.is_dead_letter is
    'Whether it was given up and waits for admin.redrive_dead_letter or admin.release_order.';
grant select on admin.overdue_orders to rowlock_admin, rowlock_readonly;
