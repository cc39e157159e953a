-- Every payment that succeeded bought seats, is owed back, was refunded, or was reversed; one that is owed back or was refunded and was
-- reversed, too, counts as both. Reads all payments of the events asked for.
create or replace view admin.money as
select p.event_id, p.provider collate "default" as provider, p.currency,
    count(*) filter (where p.status = 'succeeded') as payments,
    coalesce(sum(p.amount_minor) filter (where p.outcome in ('paid', 'late_reclaimed') and p.reversed_at is null), 0)::bigint as paid_minor,
    coalesce(sum(p.amount_minor) filter (where p.outcome = 'refund_due' and p.refunded_at is null), 0)::bigint as refund_due_minor,
    coalesce(sum(p.amount_minor) filter (where p.refunded_at is not null), 0)::bigint as refunded_minor,
    count(*) filter (where p.status = 'failed') as failed_payments,
    coalesce(sum(p.amount_minor) filter (where p.reversed_at is not null), 0)::bigint as reversed_minor
from rowlock.payments p
group by p.event_id, p.provider, p.currency
order by p.event_id, p.provider, p.currency;

comment on view admin.money is
    'Money by gateway: what bought seats, what is owed back, what was refunded or reversed. For rowlock_admin and rowlock_readonly.';
comment on column admin.money.event_id is 'The event.';
comment on column admin.money.provider is 'The gateway''s name.';
comment on column admin.money.currency is 'ISO 4217 code of the money received, whether or not it is the event''s.';
comment on column admin.money.payments is 'Payments that succeeded.';
comment on column admin.money.paid_minor is 'What bought seats and was not reversed, in minor units.';
comment on column admin.money.refund_due_minor is 'What admin.refunds_due lists as owed back, in minor units.';
comment on column admin.money.refunded_minor is 'What was refunded, in minor units.';
comment on column admin.money.failed_payments is 'Payments that the gateway reported as failed; they moved no money.';
comment on column admin.money.reversed_minor is 'What was reversed: charge-backs and bounced transfers, in minor units.';
grant select on admin.money to rowlock_admin, rowlock_readonly;
