-- Lets only one transaction at a time search a section for the best seats: concurrent searches would find the same ones.
--
-- Locks: advisory class 2, one key per section, in key order, after the customers' locks.
create or replace function rowlock._lock_section_searches(p_event_id bigint, p_section_nos integer[]) returns void
language plpgsql
as $$
begin
    perform pg_advisory_xact_lock(2, k.lock_key)
    from (
        select distinct hashtext(p_event_id || ':' || s.section_no) as lock_key
        from unnest(p_section_nos) as s (section_no)
        order by lock_key
    ) k;
end
$$;

comment on function rowlock._lock_section_searches(bigint, integer[]) is
    'Takes the sections'' advisory locks for best-available searches, sorted, until the transaction ends.';
