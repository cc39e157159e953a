-- Blocks or unblocks the seats of one section that a server lists by their numbers, all of them or none, and returns how many changed.
--
-- Locks: the seats (section_no, seat_no), then the section.
-- Errors: RL002, RL003 (detail: the unknown seats, as JSON), RL009 (detail: the seats held or sold, as JSON).
create or replace function rowlock._block_listed(
    p_event_id   bigint,
    p_section_no integer,
    p_seat_nos   integer[],
    p_from       rowlock.seat_status,
    p_to         rowlock.seat_status,
    p_function   text
) returns integer
language plpgsql
as $$
declare
    v_capacity integer;
    v_unknown  json;
begin
    select s.capacity into v_capacity from rowlock.sections s where s.event_id = p_event_id and s.section_no = p_section_no;
    if not found then
        raise exception using errcode = 'RL002', message = 'section_not_found',
            detail = format('event %s has no section %s', p_event_id, p_section_no);
    end if;
    select json_agg(w.seat_no order by w.seat_no) into v_unknown
    from unnest(p_seat_nos) as w (seat_no)
    where (w.seat_no between 1 and v_capacity) is not true;
    if v_unknown is not null then
        raise exception using errcode = 'RL003', message = 'seat_not_found', detail = v_unknown::text;
    end if;
    return rowlock._change_blocked(
        p_event_id => p_event_id, p_section_nos => array_fill(p_section_no, array[cardinality(p_seat_nos)]), p_seat_nos => p_seat_nos,
        p_from => p_from, p_to => p_to, p_function => p_function, p_reason => null
    );
end
$$;

comment on function rowlock._block_listed(bigint, integer, integer[], rowlock.seat_status, rowlock.seat_status, text) is
    'Blocks or unblocks the seats of a section that a server lists, all or none.';
