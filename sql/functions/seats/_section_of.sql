-- Finds a section by its code, which is what operators and tickets call it.
-- Errors: RL001, RL002 (detail: the codes that exist).
create or replace function rowlock._section_of(p_event_id bigint, p_section text) returns rowlock.sections
language plpgsql
stable
as $$
declare
    v_section rowlock.sections;
begin
    select s.* into v_section from rowlock.sections s where s.event_id = p_event_id and s.code = p_section;
    if not found then
        if not exists (select from rowlock.events e where e.event_id = p_event_id) then
            perform rowlock._event_not_found(p_event_id);
        end if;
        raise exception using
            errcode = 'RL002',
            message = 'section_not_found',
            detail = format('event %s has no section "%s"; it has %s', p_event_id, left(p_section, 50),
                (select string_agg(s.code, ', ' order by s.section_no) from rowlock.sections s where s.event_id = p_event_id));
    end if;
    return v_section;
end
$$;

comment on function rowlock._section_of(bigint, text) is 'Finds a section by its code.';
