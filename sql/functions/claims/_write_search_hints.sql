-- Writes where the next best-available search of each section may begin, for the smallest quantity searched for; the hints for other
-- quantities stay. A hint is dropped if seats of its section have come back since it was found.
--
-- Locks: the sections; callers already hold these locks.
create or replace function rowlock._write_search_hints(
    p_event_id    bigint,
    p_section_nos integer[],
    p_quantities  integer[],
    p_from_seats  integer[],
    p_releases    bigint[]
) returns void
language plpgsql
as $$
begin
    update rowlock.sections s
    set search_from = array(
        select case when q.quantity = h.quantity then h.from_seat else coalesce(s.search_from[q.quantity], 1) end
        from generate_series(1, greatest(cardinality(s.search_from), h.quantity)) as q (quantity)
        order by q.quantity
    )
    from unnest(p_section_nos, p_quantities, p_from_seats, p_releases) as h (section_no, quantity, from_seat, releases)
    where s.event_id = p_event_id and s.section_no = h.section_no and s.releases = h.releases
        and s.search_from[h.quantity] is distinct from h.from_seat;
end
$$;

comment on function rowlock._write_search_hints(bigint, integer[], integer[], integer[], bigint[]) is
    'Writes where the next best-available search of each section may begin.';
