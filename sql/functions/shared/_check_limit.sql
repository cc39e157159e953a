-- Checks how many rows somebody asks for, and returns that number. Servers ask within the bounds: whoever is refused here is in psql.
-- Errors: RL006 unless it is from 1 to 1000.
create or replace function rowlock._check_limit(p_limit integer) returns integer
language plpgsql
as $$
begin
    if (p_limit between 1 and 1000) is not true then
        perform rowlock._invalid_request('limit', 'must be a whole number from 1 to 1000');
    end if;
    return p_limit;
end
$$;

comment on function rowlock._check_limit(integer) is 'Checks how many rows somebody asks for; refuses what is out of bounds.';
