set local role rowlock_owner;

create type rowlock.event_status as enum ('draft', 'open', 'paused', 'closed');
create type rowlock.seat_status as enum ('available', 'held', 'sold', 'blocked');
create type rowlock.order_status as enum ('pending_payment', 'paid', 'expired', 'cancelled', 'refund_due', 'refunded');
create type rowlock.payment_status as enum ('succeeded', 'failed');
create type rowlock.payment_outcome as enum ('paid', 'late_reclaimed', 'refund_due', 'failed_recorded');
comment on type rowlock.event_status is 'draft, then open; an open event can be paused and opened again; closed is final.';
comment on type rowlock.seat_status is
    'The status of a seat: on sale, held by a pending order, sold with a ticket, or blocked by the box office.';
comment on type rowlock.order_status is
    'pending_payment (unless the order is free) ends as paid, expired or cancelled; late money that gets no seats leads to refund_due, '
    'then refunded.';
comment on type rowlock.payment_status is 'What the gateway said about a payment.';
comment on type rowlock.payment_outcome is 'The outcome of a payment notice, recorded for good.';

-- _create_event has the defaults of settings, but for one that follows others.
create table rowlock.events (
    event_id                bigint generated always as identity primary key,
    name                    text not null check (char_length(name) between 1 and 200),
    venue                   text not null check (char_length(venue) <= 200),
    starts_at               timestamptz,
    on_sale_at              timestamptz,
    off_sale_at             timestamptz,
    status                  rowlock.event_status not null default 'draft',
    opened_at               timestamptz,
    window_ms               integer not null check (window_ms between 1000 and 86400000),
    seats_per_customer      integer not null check (seats_per_customer between 1 and 1000),
    unpaid_orders_max       integer not null check (unpaid_orders_max between 1 and 100),
    chosen_unpaid_window_ms integer check (chosen_unpaid_window_ms between 1000 and 86400000),
    -- Whoever claims the same seats again and again ends one order in each payment window: unless chosen, all of them have to count.
    unpaid_window_ms        integer not null generated always as (
        coalesce(chosen_unpaid_window_ms, least(greatest(600000, (unpaid_orders_max + 1)::bigint * window_ms), 86400000)::integer)
    ) stored,
    cooldown_ms             integer not null check (cooldown_ms between 0 and 86400000),
    currency                text not null check (currency ~ '^[A-Z]{3}$'),
    created_at              timestamptz not null default clock_timestamp(),
    updated_at              timestamptz not null default clock_timestamp(),
    pruned_to               uuid not null default '00000000-0000-0000-0000-000000000000',
    check (off_sale_at > on_sale_at),
    check (opened_at is not null or status in ('draft', 'closed')),
    check (opened_at is null or status <> 'draft')
);
-- Lists begin with the soonest event and end with those whose start is not known. The public's lists have indexes of their own: they must
-- not read past events that were never opened, of which there may be any number.
create index events_by_start on rowlock.events ((coalesce(starts_at, 'infinity'::timestamptz)), event_id);
create index events_by_status on rowlock.events (status, (coalesce(starts_at, 'infinity'::timestamptz)), event_id);
create index events_opened_by_start on rowlock.events ((coalesce(starts_at, 'infinity'::timestamptz)), event_id)
where opened_at is not null;
create index events_opened_by_status on rowlock.events (status, (coalesce(starts_at, 'infinity'::timestamptz)), event_id)
where opened_at is not null;
comment on table rowlock.events is 'One row per concert session.';
comment on column rowlock.events.event_id is 'The first column of every key: an event is always in one database as a whole.';
comment on column rowlock.events.name is 'What people call it, 1 to 200 characters.';
comment on column rowlock.events.venue is 'Where it takes place, at most 200 characters.';
comment on column rowlock.events.starts_at is 'When the concert starts, if known.';
comment on column rowlock.events.on_sale_at is 'No claim succeeds before this moment; null: as soon as the event is open.';
comment on column rowlock.events.off_sale_at is 'No claim succeeds from this moment on; null: until the event is closed.';
comment on column rowlock.events.status is 'Seats are sold only while open.';
comment on column rowlock.events.opened_at is 'When it was first opened; null: never, and only admins see it.';
comment on column rowlock.events.window_ms is 'How long a pending order holds its seats, in milliseconds, 1 s to 24 h.';
comment on column rowlock.events.seats_per_customer is 'How many seats one customer may hold and own in total, over all orders.';
comment on column rowlock.events.unpaid_orders_max is
    'How many orders a customer may let end unpaid within unpaid_window_ms, since the last that was paid for; then comes the cooldown.';
comment on column rowlock.events.chosen_unpaid_window_ms is
    'What an operator has chosen for unpaid_window_ms; null: it follows window_ms and unpaid_orders_max.';
comment on column rowlock.events.unpaid_window_ms is
    'How long an order that ended unpaid counts, in milliseconds, 1 s to 24 h: as chosen, or else unpaid_orders_max + 1 payment windows, '
    '10 minutes at least.';
comment on column rowlock.events.cooldown_ms is
    'How long after the last order that ended unpaid such a customer cannot claim, in milliseconds, up to 24 h; 0: no cooldown.';
comment on column rowlock.events.currency is 'ISO 4217 code; every price of the event is in its minor units.';
comment on column rowlock.events.created_at is 'When the event was created.';
comment on column rowlock.events.updated_at is 'When its settings last changed.';
comment on column rowlock.events.pruned_to is 'Orders up to this one have been looked at by prune_unpaid_orders.';

-- A table of its own, because a key outlives a draft that is deleted: a retry must never create a second event. No foreign keys: a check of
-- the API key would lock its row until a large event is created, and nobody could revoke it meanwhile.
create table rowlock.event_keys (
    api_key_id      bigint not null,
    idempotency_key text collate "C" not null check (char_length(idempotency_key) between 1 and 200),
    fingerprint     bytea not null,
    event_id        bigint,
    primary key (api_key_id, idempotency_key)
);
comment on table rowlock.event_keys is 'The idempotency keys under which events were created. They are kept for good.';
comment on column rowlock.event_keys.api_key_id is 'The API key of the client.';
comment on column rowlock.event_keys.idempotency_key is 'What the client sent to make a retry harmless; unique for an API key.';
comment on column rowlock.event_keys.fingerprint is
    'SHA-256 of the request that the key came with: the same key with another body is refused.';
comment on column rowlock.event_keys.event_id is
    'The event created, which may have been deleted since; null only within the transaction that creates it.';

-- Changes with every claim, but no index covers what changes: updates stay on the page (heap-only).
create table rowlock.sections (
    event_id    bigint not null references rowlock.events,
    section_no  integer not null check (section_no >= 1),
    code        text not null check (char_length(code) between 1 and 20),
    name        text not null check (char_length(name) between 1 and 200),
    price_minor bigint not null check (price_minor between 0 and 1000000000000),
    capacity    integer not null check (capacity between 1 and 1000000),
    available   integer not null check (available >= 0),
    held        integer not null default 0 check (held >= 0),
    sold        integer not null default 0 check (sold >= 0),
    blocked     integer not null default 0 check (blocked >= 0),
    revision    bigint not null default 1,
    search_from integer[] not null default '{}',
    releases    bigint not null default 0,
    primary key (event_id, section_no),
    unique (event_id, code),
    check (available + held + sold + blocked = capacity)
) with (fillfactor = 25, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table rowlock.sections is 'A priced area of an event, with seat counts that change in the same transaction as the seats.';
comment on column rowlock.sections.event_id is 'The event it belongs to.';
comment on column rowlock.sections.section_no is 'From 1, in the order the event was described.';
comment on column rowlock.sections.code is 'What the API and tickets call it, for example A.';
comment on column rowlock.sections.name is 'What people call it, for example Floor A.';
comment on column rowlock.sections.price_minor is 'Price of each of its seats in minor units; it never changes.';
comment on column rowlock.sections.capacity is 'How many seats it has; they are numbered 1 to capacity.';
comment on column rowlock.sections.available is 'Seats on sale now.';
comment on column rowlock.sections.held is 'Seats held by pending orders.';
comment on column rowlock.sections.sold is 'Seats sold.';
comment on column rowlock.sections.blocked is 'Seats blocked by the box office.';
comment on column rowlock.sections.revision is 'Increases with every change of its seats.';
comment on column rowlock.sections.search_from is
    'Hints for best available: element n says that no n or more seats together began below this seat when it was written. Never a reason '
    'to refuse.';
comment on column rowlock.sections.releases is
    'How many times seats came back; a search writes its hint only if this has not changed meanwhile.';

-- The rows people sit in. Seats are numbered throughout the section; a row is a range of numbers.
create table rowlock.section_rows (
    event_id   bigint not null,
    section_no integer not null,
    row_no     integer not null check (row_no >= 1),
    label      text not null check (char_length(label) between 1 and 20),
    first_seat integer not null check (first_seat >= 1),
    last_seat  integer not null,
    primary key (event_id, section_no, row_no),
    unique (event_id, section_no, first_seat),
    foreign key (event_id, section_no) references rowlock.sections,
    check (last_seat >= first_seat)
);
comment on table rowlock.section_rows is 'The rows of a section, each a range of its seat numbers. Read once, never changed.';
comment on column rowlock.section_rows.event_id is 'The event it belongs to.';
comment on column rowlock.section_rows.section_no is 'The section it belongs to.';
comment on column rowlock.section_rows.row_no is 'From 1, front to back.';
comment on column rowlock.section_rows.label is 'The label on the row, for example 12 or AA.';
comment on column rowlock.section_rows.first_seat is 'Number of its first seat within the section.';
comment on column rowlock.section_rows.last_seat is 'Number of its last seat within the section.';

-- The hot table: narrow, with room in a page for every one of its seats to be claimed in one transaction, as claims of the best available
-- seats do, and without an index on what changes, so that every update is heap-only.
create table rowlock.seats (
    event_id   bigint not null,
    section_no integer not null,
    seat_no    integer not null,
    status     rowlock.seat_status not null default 'available',
    order_id   uuid,
    filler     bytea default decode(repeat('00', 87), 'hex'),
    primary key (event_id, section_no, seat_no),
    check ((status in ('held', 'sold')) = (order_id is not null))
) with (fillfactor = 66);
-- PostgreSQL prunes a page whenever it is read with less free space than its fill factor leaves: if pages are exactly that full, after
-- every change. A row that is larger than its later versions frees more space when it is pruned than the next version takes.
alter table rowlock.seats alter column filler set storage plain;
comment on table rowlock.seats is 'One row per seat, naming at most one order: the first of two safeguards against selling it twice.';
comment on column rowlock.seats.event_id is 'The event it belongs to.';
comment on column rowlock.seats.section_no is 'The section it belongs to.';
comment on column rowlock.seats.seat_no is 'Its number within the section, from 1.';
comment on column rowlock.seats.status is 'available, held, sold or blocked.';
comment on column rowlock.seats.order_id is 'The order that holds or owns it; null if there is none.';
comment on column rowlock.seats.filler is 'Takes up room until the seat''s first change, then null.';

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

-- Overdue orders are found here: one row per batch of claims, instead of an index over all orders. A row is deleted when all its orders
-- have ended.
create table rowlock.deadlines (
    event_id       bigint not null,
    expires_at     timestamptz not null,
    first_order_id uuid not null,
    order_ids      uuid[] not null check (cardinality(order_ids) >= 1),
    primary key (expires_at, event_id, first_order_id)
) with (toast_tuple_target = 8160);
-- The ids of a whole batch stay in their row, uncompressed: 500 of them fit, more are moved out of line.
alter table rowlock.deadlines alter column order_ids set storage external;
comment on table rowlock.deadlines is 'Orders by deadline: every pending order is listed, with one row for all orders claimed together.';
comment on column rowlock.deadlines.event_id is 'The event of the orders.';
comment on column rowlock.deadlines.expires_at is 'Their deadline.';
comment on column rowlock.deadlines.first_order_id is 'One of them, to tell batches with the same deadline apart.';
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

create table rowlock.probes (
    probe_id uuid primary key
);
comment on table rowlock.probes is 'Always empty: probe_claims tries to write a row, and undoes it.';
comment on column rowlock.probes.probe_id is 'Any.';

create table rowlock.api_keys (
    api_key_id   bigint generated always as identity primary key,
    name         text not null check (char_length(name) between 1 and 200),
    hash         bytea not null unique check (octet_length(hash) = 32),
    created_at   timestamptz not null default clock_timestamp(),
    last_used_at timestamptz,
    revoked_at   timestamptz
);
comment on table rowlock.api_keys is 'Keys of admins and box offices. Only a hash is kept: a lost key is replaced, not recovered.';
comment on column rowlock.api_keys.api_key_id is 'Identifies the key in lists and logs.';
comment on column rowlock.api_keys.name is 'Who the key belongs to.';
comment on column rowlock.api_keys.hash is 'SHA-256 of the key.';
comment on column rowlock.api_keys.created_at is 'When it was created.';
comment on column rowlock.api_keys.last_used_at is 'When a server last accepted it, to the minute; null: never.';
comment on column rowlock.api_keys.revoked_at is 'When it was revoked; null: it works.';

create table rowlock.applied_files (
    path       text primary key,
    checksum   bytea not null,
    applied_at timestamptz not null default clock_timestamp()
);
comment on table rowlock.applied_files is 'The function and view files as last applied, so that unchanged ones are skipped.';
comment on column rowlock.applied_files.path is 'Path below sql/.';
comment on column rowlock.applied_files.checksum is 'SHA-256 of the file.';
comment on column rowlock.applied_files.applied_at is 'When it was applied.';

create table rowlock.releases (
    version    text primary key check (version ~ '^[0-9]+[.][0-9]+[.][0-9]+'),
    applied_at timestamptz not null default clock_timestamp()
);
comment on table rowlock.releases is 'The releases that have migrated this database: an older one must not bring its functions back.';
comment on column rowlock.releases.version is 'Version of the rowlock binary.';
comment on column rowlock.releases.applied_at is 'When it first migrated this database.';

create table rowlock.identity (
    is_only     boolean primary key default true check (is_only),
    database_id uuid not null default gen_random_uuid(),
    lock_secret uuid not null default gen_random_uuid()
);
comment on table rowlock.identity is 'What no other database has. One row.';
comment on column rowlock.identity.is_only is 'True: there is only one row.';
comment on column rowlock.identity.database_id is 'Distinguishes what servers of this database keep in Redis.';
comment on column rowlock.identity.lock_secret is 'The secret in the keys of advisory locks. Nobody is granted the right to read it.';
insert into rowlock.identity default values;

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

create type rowlock.event_row as (
    event_id           bigint,
    name               text,
    venue              text,
    starts_at          timestamptz,
    on_sale_at         timestamptz,
    off_sale_at        timestamptz,
    status             text,
    opened_at          timestamptz,
    window_ms          integer,
    seats_per_customer integer,
    unpaid_orders_max  integer,
    unpaid_window_ms   integer,
    cooldown_ms        integer,
    currency           text,
    created_at         timestamptz,
    updated_at         timestamptz
);
comment on type rowlock.event_row is 'An event''s settings as the reading functions return them.';

reset role;
