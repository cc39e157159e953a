-- Who claimed which seats, until when, and how that ended.
set local role rowlock_owner;

create type rowlock.order_status as enum ('pending_payment', 'paid', 'expired', 'cancelled', 'refund_due', 'refunded');
comment on type rowlock.order_status is
    'pending_payment (unless the order is free) ends as paid, expired or cancelled; late money that gets no seats leads to refund_due, '
    'then refunded.';

-- Paying an order touches no index: none covers its status, not even in a condition, and neither is_live nor ended_as changes then. There
-- are no foreign keys: the functions check both ends under their locks, no function deletes an order that anything refers to or an event
-- that was ever opened, and admin.invariant_violations would show a missing end; checking again row by row cost a sixth of a payment.
-- Names that are only compared for equality need no language's collation.
create table rowlock.orders (
    event_id        bigint not null,
    order_id        uuid not null,
    customer_id     text collate "C" not null check (char_length(customer_id) between 1 and 200),
    status          rowlock.order_status not null default 'pending_payment',
    is_live         boolean not null generated always as (status in ('pending_payment', 'paid')) stored,
    ended_as        rowlock.order_status generated always as (case when status not in ('pending_payment', 'paid') then status end) stored,
    section_nos     integer[] not null,
    seat_nos        integer[] not null,
    amount_minor    bigint not null check (amount_minor >= 0),
    created_at      timestamptz not null,
    expires_at      timestamptz not null,
    ended_at        timestamptz,
    idempotency_key text collate "C" check (char_length(idempotency_key) between 1 and 200),
    fingerprint     bytea,
    primary key (event_id, order_id),
    check (cardinality(seat_nos) = cardinality(section_nos) and cardinality(seat_nos) between 1 and 100),
    check (expires_at > created_at),
    check ((status = 'pending_payment') = (ended_at is null)),
    check ((idempotency_key is null) = (fingerprint is null))
) with (fillfactor = 45);  -- room for every order of a page to be paid in one transaction
-- A claim counts its customer's live orders and looks for its key. With the live orders in one index and the ended ones in another, the
-- first look-up finds both unless the order has ended, and the second uses an index that is nearly empty while a sale is young.
create unique index orders_live on rowlock.orders (event_id, customer_id, idempotency_key) where is_live;
create unique index orders_ended on rowlock.orders (event_id, customer_id, idempotency_key) where not is_live;
-- A customer's ended orders, newest first, by how they ended: a page of them costs the same however many there are, and so does a look at
-- the last ones that ended unpaid.
create index orders_ended_by_customer on rowlock.orders (event_id, customer_id, ended_as, order_id) where not is_live;
comment on table rowlock.orders is 'One row per claim: who claimed which seats, for how much, until when, and how it ended.';
comment on column rowlock.orders.event_id is 'The event whose seats it claims.';
comment on column rowlock.orders.order_id is 'UUIDv7, chosen by the server before the claim, so that a lost answer can be looked up.';
comment on column rowlock.orders.customer_id is 'The buyer: the sub of the bearer token.';
comment on column rowlock.orders.status is 'pending_payment, or how it ended.';
comment on column rowlock.orders.is_live is 'Whether it holds or owns its seats: pending or paid.';
comment on column rowlock.orders.ended_as is 'How it gave its seats back or lost them; null while it is live.';
comment on column rowlock.orders.section_nos is 'Sections of its seats, parallel to seat_nos.';
comment on column rowlock.orders.seat_nos is
    'Numbers of its seats. While an order is pending, seats may be removed from both arrays; none is ever added.';
comment on column rowlock.orders.amount_minor is 'Sum of the prices of its seats, in minor units of the event''s currency.';
comment on column rowlock.orders.created_at is 'When the claim succeeded (the database''s clock).';
comment on column rowlock.orders.expires_at is 'The deadline for the payment.';
comment on column rowlock.orders.ended_at is 'When it was paid, expired or cancelled, or late money for it was found to need a refund.';
comment on column rowlock.orders.idempotency_key is 'What the client sent to make a retry harmless; unique for an event and customer.';
comment on column rowlock.orders.fingerprint is 'SHA-256 of the request the key came with: the same key with another body is refused.';

-- Overdue orders are found here: one row for all orders claimed together, instead of an index over all orders. A row is deleted when all
-- its orders have ended.
create table rowlock.deadlines (
    event_id       bigint not null,
    expires_at     timestamptz not null,
    first_order_id uuid not null,
    order_ids      uuid[] not null check (cardinality(order_ids) >= 1),
    primary key (expires_at, event_id, first_order_id)
) with (toast_tuple_target = 8160);
-- The ids of a whole call stay in their row, uncompressed: 500 of them fit, more are moved out of line.
alter table rowlock.deadlines alter column order_ids set storage external;
comment on table rowlock.deadlines is 'Orders by deadline: every pending order is listed, with one row for all orders claimed together.';
comment on column rowlock.deadlines.event_id is 'The event of the orders.';
comment on column rowlock.deadlines.expires_at is 'Their deadline.';
comment on column rowlock.deadlines.first_order_id is
    'The smallest of their ids when they were claimed; it tells apart deadlines at the same time.';
comment on column rowlock.deadlines.order_ids is 'The orders; those that have ended may be missing.';

-- A pending order can give back some of its seats: its own arrays hold what it kept.
create table rowlock.released_seats (
    event_id    bigint not null,
    order_id    uuid not null,
    section_no  integer not null,
    seat_no     integer not null,
    released_at timestamptz not null,
    primary key (event_id, order_id, section_no, seat_no)
);
comment on table rowlock.released_seats is 'Seats that orders gave back while they were pending.';
comment on column rowlock.released_seats.event_id is 'The event of the order.';
comment on column rowlock.released_seats.order_id is 'The order.';
comment on column rowlock.released_seats.section_no is 'The section of the seat.';
comment on column rowlock.released_seats.seat_no is 'The number of the seat.';
comment on column rowlock.released_seats.released_at is 'When it was back on sale.';

-- An order has only one end time. Late money ends it again, and how it had lost its seats would be forgotten.
create table rowlock.late_orders (
    event_id    bigint not null,
    order_id    uuid not null,
    released_as rowlock.order_status not null check (released_as in ('expired', 'cancelled')),
    released_at timestamptz not null,
    primary key (event_id, order_id)
);
comment on table rowlock.late_orders is 'How orders had lost their seats before late money came for them.';
comment on column rowlock.late_orders.event_id is 'The event of the order.';
comment on column rowlock.late_orders.order_id is 'The order.';
comment on column rowlock.late_orders.released_as is 'What it was when the money came: expired or cancelled.';
comment on column rowlock.late_orders.released_at is 'When its seats were back on sale.';

create table rowlock.expiry_failures (
    event_id        bigint not null,
    order_id        uuid not null,
    attempts        integer not null check (attempts >= 1),
    last_error      text not null,
    first_failed_at timestamptz not null default clock_timestamp(),
    last_failed_at  timestamptz not null default clock_timestamp(),
    retry_at        timestamptz,
    primary key (event_id, order_id)
);
comment on table rowlock.expiry_failures is
    'Orders whose expiry raised an error. Without a retry_at they are dead letters, kept until somebody redrives them.';
comment on column rowlock.expiry_failures.event_id is 'The event of the order.';
comment on column rowlock.expiry_failures.order_id is 'The order that could not be expired.';
comment on column rowlock.expiry_failures.attempts is 'How many attempts failed.';
comment on column rowlock.expiry_failures.last_error is 'Error of the last attempt.';
comment on column rowlock.expiry_failures.first_failed_at is 'When the first attempt failed.';
comment on column rowlock.expiry_failures.last_failed_at is 'When the last attempt failed.';
comment on column rowlock.expiry_failures.retry_at is 'When the next attempt is due; null: a dead letter.';

-- What both claiming functions return, one row per request.
create type rowlock.claim_answer as (
    request_no        integer,
    outcome           text,
    order_id          uuid,
    order_status      text,
    section_nos       integer[],
    seat_nos          integer[],
    amount_minor      bigint,
    created_at        timestamptz,
    expires_at        timestamptz,
    taken_section_nos integer[],
    taken_seat_nos    integer[],
    retry_after_ms    integer
);
comment on type rowlock.claim_answer is 'The answer to one claim request; sql/README.md lists the outcomes.';

create type rowlock.order_row as (
    event_id     bigint,
    order_id     uuid,
    customer_id  text,
    status       text,
    section_nos  integer[],
    seat_nos     integer[],
    amount_minor bigint,
    currency     text,
    created_at   timestamptz,
    expires_at   timestamptz,
    ended_at     timestamptz
);
comment on type rowlock.order_row is 'An order as the reading functions return it.';

-- What the functions return that change an order for its customer: one row.
create type rowlock.order_answer as (
    refusal      text,
    detail       text,
    event_id     bigint,
    order_id     uuid,
    customer_id  text,
    status       text,
    section_nos  integer[],
    seat_nos     integer[],
    amount_minor bigint,
    created_at   timestamptz,
    expires_at   timestamptz
);
comment on type rowlock.order_answer is
    'An order after a change, or why it was not changed; sql/README.md lists the refusals.';

reset role;
