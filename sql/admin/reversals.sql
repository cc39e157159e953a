-- Payments that succeeded and were reversed: charge-backs and transfers that bounced. An order that had been paid keeps its tickets until a
-- person decides what becomes of them; what was owed back stays in admin.refunds_due.
create or replace view admin.reversals with (security_barrier) as
select p.event_id, p.reversed_at, p.provider collate "default" as provider, p.provider_reference collate "default" as provider_reference,
    p.amount_minor, p.currency, p.outcome in ('paid', 'late_reclaimed') as bought_seats, p.received_at, p.refunded_at, p.order_id,
    o.customer, o.status as order_status, o.seats
from rowlock.payments p
left join admin.orders o on o.event_id = p.event_id and o.order_id = p.order_id
where p.reversed_at is not null
order by p.event_id, p.reversed_at, p.provider, p.provider_reference;

comment on view admin.reversals is
    'Payments that were reversed after they had succeeded. For rowlock_admin and rowlock_readonly, which sees pseudonyms for customers.';
comment on column admin.reversals.event_id is 'The event.';
comment on column admin.reversals.reversed_at is 'When the notice of the reversal was settled.';
comment on column admin.reversals.provider is 'The gateway''s name.';
comment on column admin.reversals.provider_reference is 'The gateway''s id for the payment.';
comment on column admin.reversals.amount_minor is 'What was reversed, in minor units.';
comment on column admin.reversals.currency is 'ISO 4217 code of the money.';
comment on column admin.reversals.bought_seats is 'Whether it had bought the seats: their tickets are not paid for any more.';
comment on column admin.reversals.received_at is 'When the notice of its success was settled.';
comment on column admin.reversals.refunded_at is
    'When it was marked as refunded, if it was: before the reversal, the money may have gone back twice; after it, somebody has looked.';
comment on column admin.reversals.order_id is 'The order that the notices named.';
comment on column admin.reversals.customer is
    'Its buyer: the id for rowlock_admin, a pseudonym for others; null if there is no such order.';
comment on column admin.reversals.order_status is 'Its status; null if there is no such order.';
comment on column admin.reversals.seats is 'The seats it claimed, by section and number; null if there is no such order.';
grant select on admin.reversals to rowlock_admin, rowlock_readonly;
