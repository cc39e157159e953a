-- Reads which seats the claims of a batch ask for. p_request_nos, p_section_nos and p_seat_nos have one element per wanted seat, in request
-- order.
--
-- Returns, for each of p_requests requests, o_firsts (where its seats begin), o_quantities, o_amounts (what they cost together) and
-- o_faults (duplicate_seat, section_not_found, seat_not_found or null); and o_missing, true for each wanted seat that its section does not
-- have.
--
-- Locks: none.
-- Errors: RL006 if the seats are not in request order.
create or replace function rowlock._read_wanted_seats(
    p_event_id       bigint,
    p_requests       integer,
    p_request_nos    integer[],
    p_section_nos    integer[],
    p_seat_nos       integer[],
    out o_firsts     integer[],
    out o_quantities integer[],
    out o_amounts    bigint[],
    out o_faults     text[],
    out o_missing    boolean[]
)
language plpgsql
as $$
declare
    v_section    record;
    v_prices     bigint[];   -- by section_no
    v_capacities integer[];  -- by section_no
    v_first      integer;
    v_seat       integer := 1;
    v_amount     bigint;
    v_named      integer[];  -- numbers that the request has named so far
    v_is_twice   boolean := false;  -- whether the request names a seat twice
begin
    for v_section in
        select s.section_no, s.price_minor, s.capacity
        from rowlock.sections s
        where s.event_id = p_event_id and s.section_no = any (p_section_nos)
    loop
        v_prices[v_section.section_no] := v_section.price_minor;
        v_capacities[v_section.section_no] := v_section.capacity;
    end loop;

    o_firsts := array_fill(0, array[p_requests]);
    o_quantities := o_firsts;
    o_amounts := o_firsts;
    o_faults := array_fill(null::text, array[p_requests]);
    for v_request in 1 .. p_requests loop
        v_first := v_seat;
        v_amount := 0;
        v_named := '{}';
        while p_request_nos[v_seat] = v_request loop
            v_amount := v_amount + v_prices[p_section_nos[v_seat]];
            if (p_seat_nos[v_seat] between 1 and v_capacities[p_section_nos[v_seat]]) is not true then
                o_missing[v_seat] := true;
                o_faults[v_request] := 'seat_not_found';
            end if;
            -- Compare numbers alone first: few requests name one number in two sections. Too many seats are refused as such.
            if v_seat - v_first between 1 and 99 then
                v_named := v_named || p_seat_nos[v_seat - 1];
                if p_seat_nos[v_seat] = any (v_named) then
                    v_is_twice := v_is_twice or exists (
                        select from generate_series(v_first, v_seat - 1) as w (seat)
                        where p_section_nos[w.seat] = p_section_nos[v_seat] and p_seat_nos[w.seat] = p_seat_nos[v_seat]
                    );
                end if;
            end if;
            v_seat := v_seat + 1;
        end loop;
        if v_is_twice then
            o_faults[v_request] := 'duplicate_seat';
            v_is_twice := false;
        elsif v_amount is null then
            o_faults[v_request] := 'section_not_found';
        end if;
        o_firsts[v_request] := v_first;
        o_quantities[v_request] := v_seat - v_first;
        o_amounts[v_request] := v_amount;
    end loop;
    if v_seat <= cardinality(p_request_nos) then
        perform rowlock._invalid_request(format('p_request_nos[%s]', v_seat), 'must name the requests in their order');
    end if;
end
$$;

comment on function rowlock._read_wanted_seats(bigint, integer, integer[], integer[], integer[]) is
    'Reads which seats the claims of a batch ask for, what they cost and what is wrong with them.';
