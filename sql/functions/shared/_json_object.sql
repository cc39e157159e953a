-- Checks that a JSON value is an object with only known keys: a misspelt setting must not be ignored silently.
-- Errors: RL006.
create or replace function rowlock._json_object(p_value jsonb, p_path text, p_known text[]) returns void
language plpgsql
immutable
as $$
declare
    v_unknown text;
begin
    if p_value is null or jsonb_typeof(p_value) <> 'object' then
        perform rowlock._invalid_request(p_path, 'must be an object');
    end if;
    if p_value - p_known <> '{}' then
        select min(k) into v_unknown from jsonb_object_keys(p_value - p_known) k;
        perform rowlock._invalid_request(p_path, format('has an unknown field "%s"; it takes %s', left(v_unknown, 50),
            array_to_string(p_known, ', ')));
    end if;
end
$$;

comment on function rowlock._json_object(jsonb, text, text[]) is 'Checks that a value is an object with known fields only.';
