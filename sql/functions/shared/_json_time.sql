-- Reads an RFC 3339 time with its offset from a JSON value, truncated to milliseconds; a missing value or null is null. The API accepts the
-- same times and refuses others in the same words. A bare cast would also accept 'tomorrow', 'infinity' and times in the session's time
-- zone, refuse offsets of 16 hours and more, and move 24:00 and leap seconds to the next day: here they are refused.
-- Errors: RL006.
create or replace function rowlock._json_time(p_value jsonb, p_path text) returns timestamptz
language plpgsql
stable
as $$
declare
    v_parts text[];
    v_time  timestamptz;
begin
    if p_value is null or p_value = 'null' then
        return null;
    end if;
    if jsonb_typeof(p_value) = 'string' then
        -- Date, time, milliseconds, and either Z or an offset.
        v_parts := regexp_match(
            upper(p_value #>> '{}'),
            '^([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:[0-9]{2})(?:(\.[0-9]{1,3})[0-9]*)?(?:Z|([+-](?:[01][0-9]|2[0-3]):[0-5][0-9]))$'
        );
    end if;
    if v_parts[2] like '24%' then
        perform rowlock._invalid_request(p_path, 'must not have the hour 24: write 00:00 of the next day');
    end if;
    if v_parts[2] like '%60' then
        perform rowlock._invalid_request(p_path, 'must not be a leap second: write second 59, or second 00 of the next minute');
    end if;
    begin
        v_time := (v_parts[1] || 'T' || v_parts[2] || coalesce(v_parts[3], '') || 'Z')::timestamptz
            - coalesce(v_parts[4], '+00:00')::interval;
    exception
        when data_exception then null;
    end;
    if v_time is null or v_time < '1970-01-01T00:00:00Z' or v_time >= '10000-01-01T00:00:00Z' then
        perform rowlock._invalid_request(p_path, 'must be an RFC 3339 time from 1970 to 9999, such as 2026-11-22T10:00:00.000Z');
    end if;
    return v_time;
end
$$;

comment on function rowlock._json_time(jsonb, text) is 'Reads an RFC 3339 time from a JSON value; null stays null.';
