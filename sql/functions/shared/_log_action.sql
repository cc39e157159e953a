-- Logs what an operator changed, in the transaction that changed it.
--
-- session_user is who logged in: neither `set role` nor a function that runs with its owner's rights alters it. A server sets
-- rowlock.api_key_id for its transaction when the holder of an API key calls. In psql anybody could set it, so it counts only for functions
-- that only servers may call. Calls through schema admin, which the command line makes too, have passed
-- _check_reason; servers give no reason.
--
-- The change has locked seats, an order or an event until its transaction ends, and claims cannot get past a locked section: so PostgreSQL
-- ends a transaction that is left open after a change, and the change is undone.
create or replace function rowlock._log_action(
    p_function  text,
    p_event_id  bigint,
    p_order_id  uuid,
    p_reason    text,
    p_arguments jsonb,
    p_before    jsonb,
    p_after     jsonb
) returns void
language sql
as $$
    select set_config('idle_in_transaction_session_timeout', '2s', true);
    insert into rowlock.admin_actions (
        acted_at, login_role, api_key_id, function, event_id, order_id, reason, arguments, before, after
    )
    values (date_trunc('milliseconds', clock_timestamp()), session_user,
        case when p_function like 'rowlock.%' then nullif(current_setting('rowlock.api_key_id', true), '')::bigint end,
        p_function, p_event_id, p_order_id, p_reason, p_arguments, p_before, p_after)
$$;

comment on function rowlock._log_action(text, bigint, uuid, text, jsonb, jsonb, jsonb) is
    'Records what an operator changed, and why.';
