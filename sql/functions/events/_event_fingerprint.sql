-- Tells requests for new events apart: SHA-256 of what was asked for, whatever its spelling. Fields that are null count as absent, so that
-- a version with more fields still recognises requests to one that had fewer.
create or replace function rowlock._event_fingerprint(p_event jsonb) returns bytea
language sql
immutable
as $$
    select sha256(convert_to(jsonb_strip_nulls(p_event)::text, 'UTF8'))
$$;

comment on function rowlock._event_fingerprint(jsonb) is 'Tells requests for new events apart, whatever their spelling.';
