-- Opens, pauses or closes an event, as its status allows, writes it down, and answers the status.
-- Locks: the event's row (for no key update: claims lock no event).
-- Errors: RL001, RL008.
create or replace function rowlock._steer_event(
    p_event_id bigint,
    p_status   rowlock.event_status,
    p_function text,
    p_reason   text
) returns text
language plpgsql
as $$
declare
    v_before rowlock.event_status;
begin
    select e.status into v_before from rowlock.events as e where e.event_id = p_event_id for no key update;
    perform rowlock._set_event_status(p_event_id, p_status, case p_status
        when 'open' then array['draft', 'paused']
        when 'paused' then array['open']
        when 'closed' then array['draft', 'open', 'paused']
    end::rowlock.event_status[]);
    perform rowlock._log_action(
        p_function => p_function, p_event_id => p_event_id, p_order_id => null, p_reason => p_reason, p_arguments => '{}',
        p_before => jsonb_build_object('status', v_before), p_after => jsonb_build_object('status', p_status)
    );
    return p_status::text;
end
$$;

comment on function rowlock._steer_event(bigint, rowlock.event_status, text, text) is
    'Opens, pauses or closes an event and writes it down. Private.';
