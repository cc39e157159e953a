-- Reads a text of p_min to p_max characters, readable by people, from a JSON value.
-- Errors: RL006.
create or replace function rowlock._json_text(p_value jsonb, p_path text, p_min integer, p_max integer) returns text
language plpgsql
immutable
as $$
declare
    v_text      text := p_value #>> '{}';
    v_objection text := rowlock._text_objection(v_text);
begin
    if p_value is null or jsonb_typeof(p_value) <> 'string' or char_length(v_text) not between p_min and p_max then
        perform rowlock._invalid_request(p_path, format('must be a text of %s to %s characters', p_min, p_max));
    end if;
    if v_objection is not null then
        perform rowlock._invalid_request(p_path, v_objection);
    end if;
    return v_text;
end
$$;

comment on function rowlock._json_text(jsonb, text, integer, integer) is 'Reads a text within length bounds from a JSON value.';
