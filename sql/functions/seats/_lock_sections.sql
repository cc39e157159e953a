-- Locks sections whose counts are about to change, in order: an update alone would lock them in whatever order its plan visits the rows.
-- Locks: the sections, in section_no order.
create or replace function rowlock._lock_sections(p_event_id bigint, p_section_nos integer[]) returns void
language plpgsql
as $$
begin
    perform
    from rowlock.sections s
    where s.event_id = p_event_id and s.section_no = any (p_section_nos)
    order by s.section_no
    for no key update;
end
$$;

comment on function rowlock._lock_sections(bigint, integer[]) is 'Locks sections in order.';
