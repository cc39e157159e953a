-- The status to which an event goes from p_now: p_next, which is open from draft or paused, paused from open, closed from any. Staying as
-- it is is always allowed.
-- Errors: RL006 for any other status, RL007 if the event cannot go there from its own.
create or replace function rowlock._next_status(p_event_id bigint, p_now rowlock.event_status, p_next text) returns rowlock.event_status
language plpgsql
as $$
begin
    if (p_next = any (array['open', 'paused', 'closed'])) is not true then
        perform rowlock._invalid_request('status', 'must be open, paused or closed');
    end if;
    if p_next <> p_now::text
        and (p_next = 'open' and p_now not in ('draft', 'paused') or p_next = 'paused' and p_now <> 'open')
    then
        raise exception using
            errcode = 'RL007',
            message = 'event_conflict',
            detail = format('event %s is %s and cannot become %s: %s', p_event_id,
                case p_now when 'draft' then 'a draft' else p_now::text end, p_next,
                case p_next when 'open' then 'only a draft or a paused event can be opened' else 'only an open event can be paused' end);
    end if;
    return p_next::rowlock.event_status;
end
$$;

comment on function rowlock._next_status(bigint, rowlock.event_status, text) is
    'The status to which an event goes, if it can go there from its own.';
