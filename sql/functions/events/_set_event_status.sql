-- Moves an event to p_status if its status is one of p_from; the same status again changes nothing.
-- Every claim that begins after this has committed sees the new status; a claim already running, a matter of milliseconds, may still
-- commit. To have claims lock the row and wait for those was tried and dropped: the locks of six busy servers overlap without a gap,
-- the wait never ended, and lock_timeout does not bound it (it counts each lock holder anew). A sale must stop when told to.
-- Locks: the event's row (for no key update; claims do not lock it).
-- Errors: RL001, RL008.
create or replace function rowlock._set_event_status(
    p_event_id bigint,
    p_status rowlock.event_status,
    p_from rowlock.event_status[]
) returns void
language plpgsql
as $$
declare
    v_status rowlock.event_status;
begin
    select e.status into v_status from rowlock.events as e where e.event_id = p_event_id for no key update;
    if not found then
        perform rowlock._event_not_found(p_event_id);
    end if;
    if v_status = p_status then
        return;
    end if;
    if v_status <> all (p_from) then
        raise exception using
            errcode = 'RL008',
            message = 'event_conflict',
            detail = format('event %s is %s and cannot become %s', p_event_id, v_status, p_status);
    end if;
    update rowlock.events as e
    set
        status = p_status,
        opened_at = coalesce(e.opened_at, case when p_status = 'open' then date_trunc('milliseconds', clock_timestamp()) end),
        updated_at = date_trunc('milliseconds', clock_timestamp())
    where e.event_id = p_event_id;
end
$$;

comment on function rowlock._set_event_status(bigint, rowlock.event_status, rowlock.event_status[])
    is 'Moves an event to a status if it has one of the statuses given.';
