-- Reads an RFC 3339 time with its offset from a JSON value, cut to milliseconds; a missing value or null is null.
-- A bare cast would also take 'tomorrow', 'infinity' and times in whatever zone the session has.
-- Errors: RL007.
create or replace function rowlock._json_time(p_value jsonb, p_path text) returns timestamptz
language plpgsql stable as $body$
declare
    v_time timestamptz;
begin
    if p_value is null or p_value = 'null' then
        return null;
    end if;
    if jsonb_typeof(p_value) = 'string'
        and p_value #>> '{}' ~* '^\d{4}-\d{2}-\d{2}t\d{2}:\d{2}:\d{2}(\.\d{1,9})?(z|[+-]\d{2}:\d{2})$'
    then
        begin
            v_time := date_trunc('milliseconds', (p_value #>> '{}')::timestamptz);
        exception
            when data_exception then null;
        end;
    end if;
    if v_time is null or v_time < '1970-01-01T00:00:00Z' or v_time >= '10000-01-01T00:00:00Z' then
        perform rowlock._invalid_input(p_path, 'must be an RFC 3339 time from 1970 to 9999, for example 2030-05-01T20:00:00Z');
    end if;
    return v_time;
end
$body$;
comment on function rowlock._json_time(jsonb, text) is 'Reads an RFC 3339 time from a JSON value; null stays null.';
