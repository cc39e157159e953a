-- Money that came, and what it bought.
set local role rowlock_owner;

create type rowlock.payment_status as enum ('succeeded', 'failed');
create type rowlock.payment_outcome as enum ('paid', 'late_reclaimed', 'refund_due', 'failed_recorded');
comment on type rowlock.payment_status is 'What the gateway said about a payment.';
comment on type rowlock.payment_outcome is 'The outcome of a payment notice, recorded for good.';

create table rowlock.payments (
    event_id           bigint not null,
    provider           text collate "C" not null check (char_length(provider) between 1 and 100),
    provider_reference text collate "C" not null check (char_length(provider_reference) between 1 and 200),
    order_id           uuid not null,
    amount_minor       bigint not null check (amount_minor >= 0),
    currency           text not null,
    status             rowlock.payment_status not null,
    outcome            rowlock.payment_outcome not null,
    received_at        timestamptz not null default clock_timestamp(),
    refunded_at        timestamptz,
    reversed_at        timestamptz,
    failed_message_ids text[] collate "C",
    primary key (event_id, provider, provider_reference),
    check ((status = 'failed') = (outcome = 'failed_recorded')),
    check (refunded_at is null or outcome = 'refund_due'),
    check (reversed_at is null or status = 'succeeded')
);
-- Of an order that ended unpaid, these are the only payments; nothing that was paid for enters.
create index payments_without_seats on rowlock.payments (event_id, order_id) where outcome in ('refund_due', 'failed_recorded');
create index payments_refund_due on rowlock.payments (event_id, received_at)
where outcome = 'refund_due' and refunded_at is null;
comment on table rowlock.payments is
    'One row per payment that a gateway reported, with its outcome. Money is never turned away unrecorded.';
comment on column rowlock.payments.event_id is 'The event it pays for.';
comment on column rowlock.payments.provider is 'The gateway''s name.';
comment on column rowlock.payments.provider_reference is 'The gateway''s id for the payment: the same id is the same money.';
comment on column rowlock.payments.order_id is 'The order the notice named; it may not exist.';
comment on column rowlock.payments.amount_minor is 'What was paid, in minor units.';
comment on column rowlock.payments.currency is 'ISO 4217 code of the money.';
comment on column rowlock.payments.status is 'What the gateway said: succeeded or failed; it stays succeeded if the payment was reversed.';
comment on column rowlock.payments.outcome is
    'paid and late_reclaimed bought seats; refund_due is owed back; failed_recorded moved no money.';
comment on column rowlock.payments.received_at is 'When the notice was settled.';
comment on column rowlock.payments.refunded_at is 'When the money was marked as refunded, if it was owed back.';
comment on column rowlock.payments.reversed_at is
    'When the gateway reported that a payment that had succeeded failed after all: a charge-back, or a transfer that bounced.';
comment on column rowlock.payments.failed_message_ids is
    'Ids of the notices that reported its failure before it succeeded: one of them that is sent again is no reversal.';

create table rowlock.tickets (
    event_id   bigint not null,
    section_no integer not null,
    seat_no    integer not null,
    order_id   uuid not null,
    issued_at  timestamptz not null,
    primary key (event_id, section_no, seat_no)
);
comment on table rowlock.tickets is 'One ticket per sold seat, by primary key: the second safeguard against selling a seat twice.';
comment on column rowlock.tickets.event_id is 'The event it admits to.';
comment on column rowlock.tickets.section_no is 'The section of its seat.';
comment on column rowlock.tickets.seat_no is 'The number of its seat.';
comment on column rowlock.tickets.order_id is 'The paid order it belongs to.';
comment on column rowlock.tickets.issued_at is 'When the order was paid.';

reset role;
