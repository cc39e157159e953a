-- What operators do is logged, and what they see shows customers' names only to those who may know them.
set local role rowlock_owner;

create table rowlock.admin_actions (
    action_id  bigint generated always as identity primary key,
    acted_at   timestamptz not null,
    login_role text not null,
    api_key_id bigint,
    function   text not null,
    event_id   bigint,
    order_id   uuid,
    reason     text check (reason ~ '\S' and char_length(reason) <= 500),
    arguments  jsonb not null,
    before     jsonb not null,
    after      jsonb not null
);
create index admin_actions_by_event on rowlock.admin_actions (event_id, action_id);
create index admin_actions_by_order on rowlock.admin_actions (order_id) where order_id is not null;
comment on table rowlock.admin_actions is
    'What operators changed, one row per call, written in the transaction that made the change. Nobody is granted the right to change it.';
comment on column rowlock.admin_actions.action_id is 'Increases; gaps are calls that were undone.';
comment on column rowlock.admin_actions.acted_at is 'When the change was made.';
comment on column rowlock.admin_actions.login_role is
    'The login (session_user), whatever role was set: an operator''s, or a server''s.';
comment on column rowlock.admin_actions.api_key_id is
    'The API key it was called with; null for what did not come through the API.';
comment on column rowlock.admin_actions.function is
    'What was called: admin.… from psql or by the command line; rowlock.… by a server for its API.';
comment on column rowlock.admin_actions.event_id is 'The event concerned, if there is one.';
comment on column rowlock.admin_actions.order_id is 'The order concerned, if there is one.';
comment on column rowlock.admin_actions.reason is
    'Why, in the operator''s words; null for what came through the API, which asks for none.';
comment on column rowlock.admin_actions.arguments is 'The call''s other arguments.';
comment on column rowlock.admin_actions.before is 'What the call changed, before.';
comment on column rowlock.admin_actions.after is 'What the call changed, after; the same as before if it changed nothing.';

-- An unkeyed hash of customer ids could be undone by hashing a list of them. The key is in the database, so that backups include it.
create table rowlock.pseudonym_key (
    is_only boolean primary key default true check (is_only),
    key     bytea not null check (octet_length(key) = 32)
);
comment on table rowlock.pseudonym_key is 'The secret that turns customer ids into the pseudonyms that rowlock_readonly sees. One row.';
comment on column rowlock.pseudonym_key.is_only is 'True: there is only one row.';
comment on column rowlock.pseudonym_key.key is '32 bytes, 244 of their bits random. Another key means other pseudonyms.';
insert into rowlock.pseudonym_key (key) values (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- Whoever has the rights of rowlock_admin sees customers' ids. Others see a pseudonym, the same everywhere for the same customer: a hash
-- with a secret key, because customer ids can be guessed. The key is read here and not in a function, which readers of schema admin would
-- have to be allowed to call, and could call with their guesses. Nobody is granted the right to read this view itself.
create view rowlock.shown_orders as
select o.event_id, o.order_id,
    case when (select pg_has_role('rowlock_admin', 'usage')) then o.customer_id
        else 'c-' || left(encode(sha256((select k.key from rowlock.pseudonym_key k) || convert_to(o.customer_id, 'UTF8')), 'hex'), 16)
    end as customer,
    o.status, o.section_nos, o.seat_nos, o.amount_minor, o.created_at, o.expires_at, o.ended_at, o.customer_id
from rowlock.orders o;
comment on view rowlock.shown_orders is
    'Orders as the views of schema admin show them: with customers'' ids for rowlock_admin, with pseudonyms for everybody else.';
comment on column rowlock.shown_orders.event_id is 'The event.';
comment on column rowlock.shown_orders.order_id is 'The order.';
comment on column rowlock.shown_orders.customer is 'The buyer: the id for rowlock_admin, a pseudonym for others.';
comment on column rowlock.shown_orders.status is 'As rowlock.orders has it, like all that follows.';
comment on column rowlock.shown_orders.section_nos is 'The sections of its seats, in the order of seat_nos.';
comment on column rowlock.shown_orders.seat_nos is 'The numbers of its seats.';
comment on column rowlock.shown_orders.amount_minor is 'What its seats cost together, in minor units.';
comment on column rowlock.shown_orders.created_at is 'When the claim succeeded.';
comment on column rowlock.shown_orders.expires_at is 'The deadline for the payment.';
comment on column rowlock.shown_orders.ended_at is 'When it ended; null while it is pending.';
comment on column rowlock.shown_orders.customer_id is 'The buyer, for joins; a view that shows it gives the pseudonyms away.';

reset role;
