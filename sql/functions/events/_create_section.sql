-- Creates one section and its rows, but not its seats, from its JSON description, and returns its capacity. p_path names the section in
-- errors, for example sections[2]. Seats are numbered continuously from row to row.
-- Errors: RL006.
create or replace function rowlock._create_section(p_event_id bigint, p_section_no integer, p_section jsonb, p_path text) returns integer
language plpgsql
as $$
declare
    v_code     text;
    v_capacity bigint;
begin
    perform rowlock._json_object(p_section, p_path, array['code', 'name', 'price_minor', 'rows']);
    v_code := rowlock._json_text(p_value => p_section -> 'code', p_path => p_path || '.code', p_min => 1, p_max => 20);
    if v_code !~ '^[A-Za-z0-9_-]+$' then
        perform rowlock._invalid_request(p_path || '.code', 'must be made of the letters A-Z and a-z, digits, - and _');
    end if;
    if exists (select from rowlock.sections s where s.event_id = p_event_id and s.code = v_code) then
        perform rowlock._invalid_request(p_path || '.code', 'is the code of an earlier section');
    end if;
    if jsonb_typeof(p_section -> 'rows') is distinct from 'array' or p_section -> 'rows' = '[]' then
        perform rowlock._invalid_request(p_path || '.rows', 'must be a list of at least one row');
    end if;

    perform rowlock._json_object(r.value, format('%s.rows[%s]', p_path, r.no - 1), array['label', 'seats'])
    from jsonb_array_elements(p_section -> 'rows') with ordinality as r (value, no);
    select sum(s.seats)::bigint
    into v_capacity
    from jsonb_array_elements(p_section -> 'rows') with ordinality as r (value, no)
    cross join lateral rowlock._json_integer(
        p_value => r.value -> 'seats', p_path => format('%s.rows[%s].seats', p_path, r.no - 1), p_min => 1, p_max => 1000000
    ) as s (seats);
    if v_capacity > 1000000 then
        perform rowlock._invalid_request(p_path || '.rows', 'must have at most 1000000 seats together');
    end if;

    insert into rowlock.sections (event_id, section_no, code, name, price_minor, capacity, available)
    values (
        p_event_id, p_section_no, v_code,
        rowlock._json_text(p_value => p_section -> 'name', p_path => p_path || '.name', p_min => 1, p_max => 200),
        rowlock._json_integer(
            p_value => p_section -> 'price_minor', p_path => p_path || '.price_minor', p_min => 0, p_max => 1000000000000
        ),
        v_capacity, v_capacity
    );
    perform rowlock._create_rows(
        p_event_id => p_event_id, p_section_no => p_section_no, p_rows => p_section -> 'rows', p_path => p_path || '.rows'
    );
    return v_capacity::integer;
end
$$;

comment on function rowlock._create_section(bigint, integer, jsonb, text) is 'Creates a section and its rows, and returns its capacity.';
