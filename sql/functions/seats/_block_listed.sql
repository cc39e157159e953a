-- Changes the status of the listed seats of one section from p_from to p_to (available to blocked, or back), of all or none, and returns
-- how many changed. The seats are listed as ranges of their numbers in the parallel arrays p_first_seats and p_last_seats; ranges may
-- overlap.
--
-- Locks: the seats (section_no, seat_no), then the section.
-- Errors: RL002, RL003 (detail: the unknown seats, as JSON), RL008 (detail: the seats held or sold, as JSON); at most 1,000 are listed.
create or replace function rowlock._block_listed(
    p_event_id    bigint,
    p_section_no  integer,
    p_first_seats integer[],
    p_last_seats  integer[],
    p_from        rowlock.seat_status,
    p_to          rowlock.seat_status,
    p_function    text
) returns integer
language plpgsql
as $$
declare
    v_capacity integer;
    v_unknown  json;
    v_seat_nos integer[];
begin
    select s.capacity into v_capacity from rowlock.sections s where s.event_id = p_event_id and s.section_no = p_section_no;
    if not found then
        raise exception using errcode = 'RL002', message = 'section_not_found',
            detail = format('event %s has no section %s', p_event_id, p_section_no);
    end if;
    select json_agg(u.seat_no order by u.seat_no) into v_unknown
    from (
        select distinct n.seat_no
        from unnest(p_first_seats, p_last_seats) as r (first_seat, last_seat)
        -- A range without seats, or without an end, is refused and not passed over.
        left join lateral generate_series(r.first_seat, r.last_seat) as n (seat_no) on true
        where (r.first_seat between 1 and r.last_seat and r.last_seat <= v_capacity) is not true
            and (n.seat_no between 1 and v_capacity) is not true
        limit 1000
    ) u;
    if v_unknown is not null then
        raise exception using errcode = 'RL003', message = 'seat_not_found', detail = v_unknown::text;
    end if;
    select coalesce(array_agg(distinct n.seat_no), '{}') into v_seat_nos
    from unnest(p_first_seats, p_last_seats) as r (first_seat, last_seat)
    cross join lateral generate_series(r.first_seat, r.last_seat) as n (seat_no);
    return rowlock._change_blocked(
        p_event_id => p_event_id, p_section_nos => array_fill(p_section_no, array[cardinality(v_seat_nos)]), p_seat_nos => v_seat_nos,
        p_from => p_from, p_to => p_to, p_function => p_function, p_reason => null
    );
end
$$;

comment on function rowlock._block_listed(bigint, integer, integer[], integer[], rowlock.seat_status, rowlock.seat_status, text) is
    'Blocks or unblocks the seats of a section that a server lists, all or none.';
