-- Moves seats of one section from p_from to p_to, available to blocked or back, all of them or none, and returns how many changed. Seats
-- that are already p_to are fine. Callers have locked the seats in an earlier statement, so that this one sees their current status.
--
-- Locks: the section.
-- Errors: RL002, RL003 (detail: the unknown seats, as JSON), RL009 (detail: the seats held or sold, as JSON).
create or replace function rowlock._set_seats_blocked(
    p_event_id   bigint,
    p_section_no integer,
    p_seat_nos   integer[],
    p_from       rowlock.seat_status,
    p_to         rowlock.seat_status
) returns integer
language plpgsql
as $$
declare
    v_capacity integer;
    v_unfit    json;
    v_changed  integer[];
begin
    select s.capacity into v_capacity from rowlock.sections s where s.event_id = p_event_id and s.section_no = p_section_no;
    if not found then
        raise exception using errcode = 'RL002', message = 'section_not_found',
            detail = format('event %s has no section %s', p_event_id, p_section_no);
    end if;
    select json_agg(w.seat_no order by w.seat_no) into v_unfit
    from unnest(p_seat_nos) as w (seat_no)
    where (w.seat_no between 1 and v_capacity) is not true;
    if v_unfit is not null then
        raise exception using errcode = 'RL003', message = 'seat_not_found', detail = v_unfit::text;
    end if;

    select json_agg(s.seat_no order by s.seat_no) into v_unfit
    from rowlock.seats s
    where s.event_id = p_event_id and s.section_no = p_section_no and s.seat_no = any (p_seat_nos) and s.status in ('held', 'sold');
    if v_unfit is not null then
        raise exception using errcode = 'RL009', message = 'seats_not_blockable', detail = v_unfit::text,
            hint = 'Held and sold seats can be neither blocked nor unblocked; nothing was changed.';
    end if;

    with changed as (
        update rowlock.seats s
        set status = p_to, filler = null
        where s.event_id = p_event_id and s.section_no = p_section_no and s.seat_no = any (p_seat_nos) and s.status = p_from
        returning s.seat_no
    )
    select array_agg(c.seat_no) into v_changed from changed c;
    perform rowlock._move_seat_counts(
        p_event_id => p_event_id, p_section_nos => array_fill(p_section_no, array[coalesce(cardinality(v_changed), 0)]),
        p_seat_nos => v_changed, p_from => p_from, p_to => p_to
    );
    return coalesce(cardinality(v_changed), 0);
end
$$;

comment on function rowlock._set_seats_blocked(bigint, integer, integer[], rowlock.seat_status, rowlock.seat_status) is
    'Moves seats between available and blocked, all or none.';
