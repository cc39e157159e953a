-- Reads a whole number from p_min to p_max from a JSON value; 3.0 and 3e0 are whole, "3" and 3.5 are not.
-- Errors: RL006.
create or replace function rowlock._json_integer(p_value jsonb, p_path text, p_min bigint, p_max bigint) returns bigint
language plpgsql
immutable
as $$
declare
    v_number numeric;
begin
    if jsonb_typeof(p_value) = 'number' then
        v_number := p_value::numeric;
    end if;
    -- Check the range first: a number with thousands of digits is never rounded or cast.
    if v_number is null or v_number not between p_min and p_max or v_number <> trunc(v_number) then
        perform rowlock._invalid_request(p_path, format('must be a whole number from %s to %s', p_min, p_max));
    end if;
    return v_number::bigint;
end
$$;

comment on function rowlock._json_integer(jsonb, text, bigint, bigint) is 'Reads a whole number within bounds from a JSON value.';
