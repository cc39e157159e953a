-- Chooses seats together in one row of a section for requests of p_quantities, in order, each the front-most that fit: from p_from_seat on,
-- among the first p_limit available seats (null: all). Locks nothing.
--
-- Runs of neighbours are found by gaps and islands; consecutive numbers in two rows are not neighbours. Seats are taken from the front of a
-- run, so runs only shrink, and the first run that fits a quantity never moves forward again: with one pointer per quantity, a batch costs
-- its runs plus its requests, not their product. Single seats need no neighbours: they are the first ones.
--
-- Returns o_starts, the first seat of each request (null: no run fits), and o_from_seat: no run of the smallest quantity begins below it
-- once the chosen seats are gone, provided that no seat comes back and p_from_seat was right; 2147483647: there is none at all.
create or replace function rowlock._find_together(
    p_event_id   bigint,
    p_section_no integer,
    p_quantities integer[],
    p_from_seat  integer,
    p_limit      integer,
    p_lost       integer[],
    out o_starts    integer[],
    out o_from_seat integer
)
language plpgsql
as $$
declare
    v_smallest integer := (select min(q.quantity) from unnest(p_quantities) as q (quantity));
    v_firsts   integer[];
    v_lengths  integer[];
    v_last     integer;
    v_seen     integer;
    v_pointers integer[] := array_fill(1, array[100]);
    v_run      integer;
begin
    if 1 = all (p_quantities) then
        select array_agg(a.seat_no)
        into v_firsts
        from rowlock._available_seats(
            p_event_id => p_event_id, p_section_no => p_section_no, p_from_seat => p_from_seat, p_limit => cardinality(p_quantities) + 1,
            p_lost => p_lost
        ) a;
        o_starts := v_firsts[: cardinality(p_quantities)];
        o_starts[cardinality(p_quantities)] := v_firsts[cardinality(p_quantities)];  -- as many as requests, null where none is left
        o_from_seat := coalesce(v_firsts[cardinality(p_quantities) + 1], 2147483647);
        return;
    end if;

    select coalesce(array_agg(r.first_seat order by r.first_seat) filter (where r.seats >= v_smallest), '{}'),
        coalesce(array_agg(r.seats order by r.first_seat) filter (where r.seats >= v_smallest), '{}'),
        max(r.last_seat), coalesce(sum(r.seats), 0)
    into v_firsts, v_lengths, v_last, v_seen
    from (
        select min(a.seat_no) as first_seat, max(a.seat_no) as last_seat, count(*)::integer as seats
        from (
            select a.row_no, a.seat_no, a.seat_no - row_number() over (order by a.seat_no) as island
            from rowlock._available_seats(
                p_event_id => p_event_id, p_section_no => p_section_no, p_from_seat => p_from_seat, p_limit => p_limit,
                p_lost => p_lost
            ) a
        ) a
        group by a.row_no, a.island
    ) r;

    for v_request in 1 .. cardinality(p_quantities) loop
        v_run := v_pointers[p_quantities[v_request]];
        while v_lengths[v_run] < p_quantities[v_request] loop
            v_run := v_run + 1;
        end loop;
        v_pointers[p_quantities[v_request]] := v_run;
        o_starts[v_request] := v_firsts[v_run];
        continue when v_firsts[v_run] is null;
        v_firsts[v_run] := v_firsts[v_run] + p_quantities[v_request];
        v_lengths[v_run] := v_lengths[v_run] - p_quantities[v_request];
    end loop;

    v_run := v_pointers[v_smallest];
    while v_lengths[v_run] < v_smallest loop
        v_run := v_run + 1;
    end loop;
    -- With no run left, one may still begin among the last seats examined and continue after them.
    o_from_seat := coalesce(v_firsts[v_run], case when v_seen = p_limit then v_last - v_smallest + 2 end, 2147483647);
end
$$;

comment on function rowlock._find_together(bigint, integer, integer[], integer, integer, integer[]) is
    'Chooses seats together, front-most first, for several requests of one section.';
