-- One round of deciding best-available claims, in memory and in the order they came, up to the search: decides repeated keys, limits and
-- sold-out sections, and admits what is left to the search.
--
-- What has been claimed already (by outcome) counts against limits and seats for good; what was admitted earlier in this round counts only
-- for now. A request that fails only because of the latter is neither refused nor admitted: it waits for the next round.
--
-- p_limit: how many seats a customer may hold and own. Arrays with one element per request: p_outcomes (null: undecided), p_answers,
-- p_order_ids, p_fingerprints, p_customer_nos and p_key_nos (null: all differ), p_live_seats (before the batch), p_asked_section_nos,
-- p_quantities. p_section_nos and p_available: the sections and their current counts.
create or replace function rowlock._admit_searches(
    p_limit             integer,
    p_outcomes          text[],
    p_answers           uuid[],
    p_order_ids         uuid[],
    p_fingerprints      bytea[],
    p_customer_nos      integer[],
    p_key_nos           integer[],
    p_live_seats        integer[],
    p_asked_section_nos integer[],
    p_quantities        integer[],
    p_section_nos       integer[],
    p_available         integer[],
    out o_outcomes      text[],
    out o_answers       uuid[],
    out o_admitted      boolean[]
)
language plpgsql
as $$
declare
    v_zeros             constant integer[] := array_fill(0, array[cardinality(p_outcomes)]);
    v_key_winners       integer[] := v_zeros;  -- at a key's first request: the request that created its order, -1 while undecided
    v_customer_won      integer[] := v_zeros;  -- at a customer's first request: seats won by this batch
    v_customer_admitted integer[] := v_zeros;  -- at a customer's first request: seats admitted in this round
    v_section_admitted  integer[] := array_fill(0, array[coalesce(cardinality(p_section_nos), 0)]);  -- by section, likewise
    v_customer          integer;
    v_key               integer;
    v_section           integer;
    v_quantity          integer;
    v_winner            integer;
begin
    o_outcomes := p_outcomes;
    o_answers := p_answers;
    o_admitted := array_fill(false, array[cardinality(p_outcomes)]);
    if array_position(p_outcomes, 'claimed') is not null then
        for v_request in 1 .. cardinality(p_outcomes) loop
            continue when o_outcomes[v_request] is distinct from 'claimed';
            v_section := array_position(p_section_nos, p_asked_section_nos[v_request]);
            p_available[v_section] := p_available[v_section] - p_quantities[v_request];
            v_customer := coalesce(p_customer_nos[v_request], v_request);
            v_customer_won[v_customer] := v_customer_won[v_customer] + p_quantities[v_request];
            v_key_winners[coalesce(p_key_nos[v_request], v_request)] := v_request;
        end loop;
    end if;

    for v_request in 1 .. cardinality(p_outcomes) loop
        continue when o_outcomes[v_request] is not null;
        v_customer := coalesce(p_customer_nos[v_request], v_request);
        v_key := coalesce(p_key_nos[v_request], v_request);
        v_section := array_position(p_section_nos, p_asked_section_nos[v_request]);
        v_quantity := p_quantities[v_request];
        v_winner := v_key_winners[v_key];
        if v_winner > 0 then
            o_outcomes[v_request] := rowlock._repeat_outcome(p_fingerprints[v_request], p_fingerprints[v_winner]);
            o_answers[v_request] := p_order_ids[v_winner];
        elsif v_winner < 0 then
            null;  -- the key decides first; whether its earlier request creates an order is known in the next round
        elsif rowlock._exceeds_limit(p_live_seats[v_customer] + v_customer_won[v_customer], v_quantity, p_limit) then
            o_outcomes[v_request] := 'customer_limit';
        elsif v_quantity > p_available[v_section] then
            o_outcomes[v_request] := 'sold_out';
        elsif not rowlock._exceeds_limit(
            p_live_seats[v_customer] + v_customer_won[v_customer] + v_customer_admitted[v_customer], v_quantity, p_limit
        )
            and v_section_admitted[v_section] + v_quantity <= p_available[v_section]
        then
            o_admitted[v_request] := true;
            v_key_winners[v_key] := -1;
            v_customer_admitted[v_customer] := v_customer_admitted[v_customer] + v_quantity;
            v_section_admitted[v_section] := v_section_admitted[v_section] + v_quantity;
        end if;
    end loop;
end
$$;

comment on function rowlock._admit_searches(integer, text[], uuid[], uuid[], bytea[], integer[], integer[], integer[], integer[],
    integer[], integer[], integer[]) is 'One round of deciding best-available claims, up to the search.';
