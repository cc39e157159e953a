-- What is for sale: events, their sections, rows and seats.
set local role rowlock_owner;

create type rowlock.event_status as enum ('draft', 'open', 'paused', 'closed');
create type rowlock.seat_status as enum ('available', 'held', 'sold', 'blocked');
comment on type rowlock.event_status is 'draft, then open; an open event can be paused and opened again; closed is final.';
comment on type rowlock.seat_status is
    'The status of a seat: on sale, held by a pending order, sold with a ticket, or blocked by the box office.';

-- _create_event has the defaults of the settings, except that of unpaid_window_ms, which follows others.
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
    -- Whoever claims the same seats again and again ends one order per payment window: by default, the window counts all of them.
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
