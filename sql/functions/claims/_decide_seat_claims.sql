-- Decides a batch's claims of explicit seats in memory, one by one in the order they came: the first to ask wins, a request that fails
-- reserves nothing, and seats that a customer wins count against that customer's limit for later requests.
--
-- p_limit: how many seats a customer may hold and own. Arrays with one element per request: p_outcomes (null: to be decided) and p_answers
-- as known so far, p_order_ids, p_fingerprints, p_customer_nos and p_key_nos (the first request of the same customer, with the same
-- idempotency key; null: all differ), p_live_seats, p_firsts (where its seats begin), p_quantities. Arrays with one element per wanted
-- seat, in request order: p_missing (true: there is no such seat), p_first_nos (the first wanted seat that names the same seat),
-- p_seat_rows (null: not available).
--
-- Returns every request's outcome and order, and which wanted seats are why their request failed (o_blamed).
create or replace function rowlock._decide_seat_claims(
    p_limit        integer,
    p_outcomes     text[],
    p_answers      uuid[],
    p_order_ids    uuid[],
    p_fingerprints bytea[],
    p_customer_nos integer[],
    p_key_nos      integer[],
    p_live_seats   integer[],
    p_firsts       integer[],
    p_quantities   integer[],
    p_missing      boolean[],
    p_first_nos    integer[],
    p_seat_rows    tid[],
    out o_outcomes text[],
    out o_answers  uuid[],
    out o_blamed   boolean[]
)
language plpgsql
as $$
declare
    v_key_winners integer[];  -- at a key's first request: the request that created its order
    v_is_won      boolean[];  -- at a seat's first naming
    v_customer    integer;
    v_key         integer;
    v_winner      integer;
    v_first       integer;
    v_last        integer;
begin
    o_outcomes := p_outcomes;
    o_answers := p_answers;
    o_blamed := array_fill(false, array[coalesce(cardinality(p_first_nos), 0)]);
    v_is_won := o_blamed;
    v_key_winners := array_fill(0, array[cardinality(p_outcomes)]);
    for v_request in 1 .. cardinality(p_outcomes) loop
        v_first := p_firsts[v_request];
        v_last := v_first + p_quantities[v_request] - 1;
        if o_outcomes[v_request] is not null then
            if o_outcomes[v_request] = 'seat_not_found' then
                for v_seat in v_first .. v_last loop
                    o_blamed[v_seat] := p_missing[v_seat] is true;
                end loop;
            end if;
            continue;
        end if;

        v_customer := coalesce(p_customer_nos[v_request], v_request);
        v_key := coalesce(p_key_nos[v_request], v_request);
        v_winner := v_key_winners[v_key];
        if v_winner > 0 then
            o_outcomes[v_request] := rowlock._repeat_outcome(p_fingerprints[v_request], p_fingerprints[v_winner]);
            o_answers[v_request] := p_order_ids[v_winner];
            continue;
        end if;
        if rowlock._exceeds_limit(p_live_seats[v_customer], p_quantities[v_request], p_limit) then
            o_outcomes[v_request] := 'customer_limit';
            continue;
        end if;

        for v_seat in v_first .. v_last loop
            if p_seat_rows[v_seat] is null or v_is_won[p_first_nos[v_seat]] then
                o_blamed[v_seat] := true;
                o_outcomes[v_request] := 'seat_taken';
            end if;
        end loop;
        continue when o_outcomes[v_request] is not null;

        for v_seat in v_first .. v_last loop
            v_is_won[p_first_nos[v_seat]] := true;
        end loop;
        p_live_seats[v_customer] := p_live_seats[v_customer] + p_quantities[v_request];
        v_key_winners[v_key] := v_request;
        o_outcomes[v_request] := 'claimed';
    end loop;
end
$$;

comment on function rowlock._decide_seat_claims(integer, text[], uuid[], uuid[], bytea[], integer[], integer[], integer[], integer[],
    integer[], boolean[], integer[], tid[]) is 'Decides a batch''s claims of explicit seats, first come first served.';
