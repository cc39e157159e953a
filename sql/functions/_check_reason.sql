-- Reads the reason of a change made from psql, without the white space around it.
-- Errors: RL007 if it is missing, blank, longer than 500 characters or has control characters in it.
create or replace function rowlock._check_reason(p_reason text) returns text
language plpgsql as $body$
declare
    v_reason constant text := regexp_replace(coalesce(p_reason, ''), '^\s+|\s+$', '', 'g');
begin
    if v_reason = '' then
        perform rowlock._invalid_input('reason', 'must say why, for whoever reads the action log');
    end if;
    return rowlock._json_text(to_jsonb(v_reason), 'reason', 1, 500);
end
$body$;
comment on function rowlock._check_reason(text) is 'Reads the reason of a change made from psql; refuses a blank one. Private.';
revoke all on function rowlock._check_reason(text) from public;
