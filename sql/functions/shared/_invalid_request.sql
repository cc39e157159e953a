-- Refuses an input by naming the field and what it must be, so that every RL006 reads alike. Volatile, or a call with constants would run
-- while its caller is being planned.
-- Errors: RL006 always.
create or replace function rowlock._invalid_request(p_path text, p_problem text) returns void
language plpgsql
as $$
begin
    raise exception using
        errcode = 'RL006',
        message = 'invalid_request',
        detail = p_path || ': ' || p_problem;
end
$$;

comment on function rowlock._invalid_request(text, text) is 'Raises RL006 with a detail that names the field.';
