-- Reads the reason for a change made from psql, without the white space around it. What counts as white space does not depend on the
-- database's locale: it is Unicode's property White_Space.
-- Errors: RL006 if it is missing, blank, longer than 500 characters or not readable text.
create or replace function rowlock._check_reason(p_reason text) returns text
language plpgsql
as $$
declare
    v_spaces constant text := E' \t\n\u000b\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a'
        || E'\u2028\u2029\u202f\u205f\u3000';
    v_reason constant text := btrim(coalesce(p_reason, ''), v_spaces);
begin
    if v_reason = '' then
        perform rowlock._invalid_request('reason', 'must say why, for the readers of the action log');
    end if;
    return rowlock._json_text(p_value => to_jsonb(v_reason), p_path => 'reason', p_min => 1, p_max => 500);
end
$$;

comment on function rowlock._check_reason(text) is 'Reads the reason for a change made from psql; refuses a blank one.';
