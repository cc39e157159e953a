-- Raises RL001: there is no such event. Volatile, like _invalid_request.
-- Errors: RL001 always.
create or replace function rowlock._event_not_found(p_event_id bigint) returns void
language plpgsql
as $$
begin
    raise exception using
        errcode = 'RL001',
        message = 'event_not_found',
        detail = format('there is no event %s', coalesce(p_event_id::text, 'without an id'));
end
$$;

comment on function rowlock._event_not_found(bigint) is 'Raises RL001.';
