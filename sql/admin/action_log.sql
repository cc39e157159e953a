-- What operators changed, and why. A reason is free text and may name a customer: it is for rowlock_admin only.
create or replace view admin.action_log with (security_barrier) as
select a.action_id, a.acted_at, a.login_role, a.api_key_id, k.name as api_key_name, a.function, a.event_id, a.order_id,
    case when (select pg_has_role('rowlock_admin', 'usage')) then a.reason end as reason, a.arguments, a.before, a.after
from rowlock.admin_actions a
left join rowlock.api_keys k on k.api_key_id = a.api_key_id;

comment on view admin.action_log is
    'What operators changed, one row per call. For rowlock_admin and rowlock_readonly, which sees no reasons.';
comment on column admin.action_log.action_id is 'Increases; gaps are calls that were undone.';
comment on column admin.action_log.acted_at is 'When the change was made.';
comment on column admin.action_log.login_role is 'The login: an operator''s, or a server''s.';
comment on column admin.action_log.api_key_id is 'The API key a server was called with, if the change came through the API.';
comment on column admin.action_log.api_key_name is 'The name of that key.';
comment on column admin.action_log.function is
    'What was called: admin.… from psql or by the command line; rowlock.… by a server for its API.';
comment on column admin.action_log.event_id is 'The event concerned, if there is one.';
comment on column admin.action_log.order_id is 'The order concerned, if there is one.';
comment on column admin.action_log.reason is
    'Why, in the operator''s words; null if none was asked for, and for anybody but rowlock_admin.';
comment on column admin.action_log.arguments is 'The call''s other arguments.';
comment on column admin.action_log.before is 'What the call changed, before.';
comment on column admin.action_log.after is 'What the call changed, after.';
grant select on admin.action_log to rowlock_admin, rowlock_readonly;
