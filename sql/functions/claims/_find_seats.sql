-- Chooses seats of one section for best-available requests, in order: the front-most seats together in a row if any row has enough side by
-- side, otherwise the nearest together. Locks no seat: the caller does, and calls again without the seats it already has or lost to a rival
-- (p_lost).
--
-- The first search starts where the section's hints (p_hints, see rowlock.sections.search_from) allow, and stops after a multiple of what
-- is wanted. A hint never causes a refusal: if one request fits nowhere, all are searched for again in the whole section; and if the hint
-- says that no row has enough, the search for the nearest seats follows at once, which prefers seats together if there are any after all.
--
-- Returns o_request_nos and o_seat_nos, one element per chosen seat, and o_from_seat, the new hint for the smallest quantity. A request
-- that is missing found too few seats.
create or replace function rowlock._find_seats(
    p_event_id    bigint,
    p_section_no  integer,
    p_request_nos integer[],
    p_quantities  integer[],
    p_hints       integer[],
    p_lost        integer[],
    out o_request_nos integer[],
    out o_seat_nos    integer[],
    out o_from_seat   integer
)
language plpgsql
as $$
declare
    v_from_seat integer;
    v_limit     integer;
    v_starts    integer[];
    v_wanted    record;
    v_seats     integer[];
begin
    select coalesce(max(h.from_seat), 1), max(q.seats) * 2 + 64
    into v_from_seat, v_limit
    from (select min(q.quantity) as smallest, sum(q.quantity)::integer as seats from unnest(p_quantities) as q (quantity)) q
    left join unnest(p_hints) with ordinality as h (from_seat, quantity) on h.quantity <= q.smallest;
    select f.o_starts, f.o_from_seat
    into v_starts, o_from_seat
    from rowlock._find_together(
        p_event_id => p_event_id, p_section_no => p_section_no, p_quantities => p_quantities, p_from_seat => v_from_seat,
        p_limit => v_limit, p_lost => p_lost
    ) f;
    if array_position(v_starts, null) is not null and v_from_seat < 2147483647 then
        select f.o_starts, f.o_from_seat
        into v_starts, o_from_seat
        from rowlock._find_together(
            p_event_id => p_event_id, p_section_no => p_section_no, p_quantities => p_quantities, p_from_seat => 1, p_limit => null,
            p_lost => p_lost
        ) f;
    end if;

    if 1 = all (p_quantities) and array_position(v_starts, null) is null then
        o_request_nos := p_request_nos;
        o_seat_nos := v_starts;
        return;
    end if;
    select coalesce(array_agg(r.request_no), '{}'), coalesce(array_agg(s.seat_no), '{}')
    into o_request_nos, o_seat_nos
    from unnest(p_request_nos, p_quantities, v_starts) as r (request_no, quantity, start)
    cross join lateral generate_series(r.start, r.start + r.quantity - 1) as s (seat_no);
    if array_position(v_starts, null) is null then
        return;
    end if;

    for v_wanted in
        select r.quantity, array_agg(r.request_no order by r.request_no) as request_nos
        from unnest(p_request_nos, p_quantities, v_starts) as r (request_no, quantity, start)
        where r.start is null
        group by r.quantity
        order by min(r.request_no)
    loop
        while cardinality(v_wanted.request_nos) > 0 loop
            v_seats := rowlock._find_nearest(
                p_event_id => p_event_id, p_section_no => p_section_no, p_quantity => v_wanted.quantity,
                p_count => cardinality(v_wanted.request_nos), p_taken => o_seat_nos || p_lost
            );
            exit when cardinality(v_seats) = 0;
            o_seat_nos := o_seat_nos || v_seats;
            o_request_nos := o_request_nos || array(
                select v_wanted.request_nos[(s.seat_order - 1) / v_wanted.quantity + 1]
                from generate_series(1, cardinality(v_seats)) as s (seat_order)
            );
            v_wanted.request_nos := v_wanted.request_nos[cardinality(v_seats) / v_wanted.quantity + 1 :];
        end loop;
    end loop;
end
$$;

comment on function rowlock._find_seats(bigint, integer, integer[], integer[], integer[], integer[]) is
    'Chooses seats of one section for best-available requests: together in a row, otherwise nearest together.';
