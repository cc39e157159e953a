-- Moves seats from one count of their sections to another, in the transaction that changed the seats.
--
-- p_section_nos and p_seat_nos are parallel arrays, one element per seat moved. Every section involved gets a new revision. Seats coming
-- back count as one release of their section and lower its search hints: n seats together that include a seat coming back, and were not n
-- before, begin at most n - 1 seats below it.
--
-- Locks: the sections involved, in section_no order. Callers already hold the seats' row locks.
-- Errors: a count below zero violates a check constraint of rowlock.sections: an internal inconsistency.
create or replace function rowlock._move_seat_counts(
    p_event_id    bigint,
    p_section_nos integer[],
    p_seat_nos    integer[],
    p_from        rowlock.seat_status,
    p_to          rowlock.seat_status
) returns void
language plpgsql
as $$
begin
    if coalesce(cardinality(p_seat_nos), 0) = 0 or p_from = p_to then
        return;
    end if;
    -- An update alone would lock in whatever order its plan visits the rows.
    perform rowlock._lock_sections(p_event_id, p_section_nos);
    update rowlock.sections s
    set available = s.available + m.seats * ((p_to = 'available')::integer - (p_from = 'available')::integer),
        held = s.held + m.seats * ((p_to = 'held')::integer - (p_from = 'held')::integer),
        sold = s.sold + m.seats * ((p_to = 'sold')::integer - (p_from = 'sold')::integer),
        blocked = s.blocked + m.seats * ((p_to = 'blocked')::integer - (p_from = 'blocked')::integer),
        revision = s.revision + 1,
        releases = s.releases + (p_to = 'available')::integer,
        search_from = case when p_to <> 'available' then s.search_from else
                array(
                    select least(h.from_seat, m.lowest_seat_no - h.quantity::integer + 1)
                    from unnest(s.search_from) with ordinality as h (from_seat, quantity)
                    order by h.quantity
                ) end
    from (
        select w.section_no, count(*)::integer as seats, min(w.seat_no) as lowest_seat_no
        from unnest(p_section_nos, p_seat_nos) as w (section_no, seat_no)
        group by w.section_no
    ) m
    where s.event_id = p_event_id and s.section_no = m.section_no;
end
$$;

comment on function rowlock._move_seat_counts(bigint, integer[], integer[], rowlock.seat_status, rowlock.seat_status) is
    'Moves the counts of seats that changed from one status to another, section by section.';
