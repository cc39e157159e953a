-- All money that is owed back. What was reversed stays here until somebody marks it as refunded: the report of an earlier attempt that
-- failed, if it comes late, looks like a reversal. rowlock.shown_orders explains how customers are shown.
create or replace view admin.refunds_due with (security_barrier) as
select p.event_id, p.provider collate "default" as provider, p.provider_reference collate "default" as provider_reference,
    p.amount_minor, p.currency, p.received_at, p.order_id, o.customer, o.status::text as order_status, p.reversed_at
from rowlock.payments p
left join rowlock.shown_orders o on o.event_id = p.event_id and o.order_id = p.order_id
where p.outcome = 'refund_due' and p.refunded_at is null
order by p.event_id, p.received_at, p.provider, p.provider_reference;

comment on view admin.refunds_due is
    'Payments that are owed back. For rowlock_admin and rowlock_readonly, which sees pseudonyms for customers.';
comment on column admin.refunds_due.event_id is 'The event.';
comment on column admin.refunds_due.provider is 'The gateway''s name.';
comment on column admin.refunds_due.provider_reference is 'The gateway''s id for the payment.';
comment on column admin.refunds_due.amount_minor is 'What is owed, in minor units.';
comment on column admin.refunds_due.currency is 'ISO 4217 code of the money.';
comment on column admin.refunds_due.received_at is 'When the notice was settled.';
comment on column admin.refunds_due.order_id is 'The order that the notice named.';
comment on column admin.refunds_due.customer is
    'Its buyer: the id for rowlock_admin, a pseudonym for others; null if there is no such order.';
comment on column admin.refunds_due.order_status is
    'Its status: refund_due if the money came too late, paid if this was paid in addition, any other if this was wrong and came in time; '
    'null if there is no such order.';
comment on column admin.refunds_due.reversed_at is
    'When the gateway reported that it failed after all: ask the gateway whether the money has gone back already; null: it did not.';
grant select on admin.refunds_due to rowlock_admin, rowlock_readonly;
