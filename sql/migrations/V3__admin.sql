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

reset role;
