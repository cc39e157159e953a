-- Claims any n seats together for a batch of requests of one event, in one transaction. _find_seats chooses the seats: together in one row
-- if any row of the section has enough side by side, otherwise the nearest together. Nobody is refused while seats are free. An order that
-- costs nothing is paid at once, with its tickets.
--
-- Requests come as arrays with one element each, numbered from 1. Returns one row per request.
--
-- Algorithm: in rounds. A round admits what limits and counts allow, searches section by section, locks what it found without waiting, and
-- gives it to the requests that got all their seats. The others search again without those seats and without the ones a rival had locked;
-- any still without seats after the last round are answered as busy. Orders are written after the last round. Searches of a section are
-- serialised, so the only rivals are claims of explicit seats and changes by the box office, and one round is nearly always enough.
--
-- Locks: customers (advisory class 1, sorted), searches of sections (advisory class 2, sorted), seats in (section_no, seat_no) order,
-- skipping locked ones, sections in section_no order at the end.
-- Outcomes: claimed, replayed, idempotency_key_reused, event_not_found, not_on_sale, too_many_seats (below 1 or above 100),
-- section_not_found, cooldown, customer_limit, sold_out (fewer seats are available than wanted), busy (rivals' open transactions hold them:
-- try again in a few milliseconds; nothing was changed).
-- Errors: RL009 if a locked seat could not be held.
create or replace function rowlock.claim_best_available(
    p_event_id         bigint,
    p_order_ids        uuid[],
    p_customer_ids     text[],
    p_idempotency_keys text[],
    p_fingerprints     bytea[],
    p_section_nos      integer[],
    p_quantities       integer[]
) returns setof rowlock.claim_answer
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off  -- plans are made when a sale begins and the tables are tiny, and must serve when they have grown
set enable_bitmapscan = off  -- a customer has a few live orders: gathering and sorting them costs more than reading them in order
set jit = off  -- the planner cannot know how short the arrays are, and would compile plans that run for a millisecond
as $$
declare
    v_begun            record;     -- see _begin_claims
    v_amounts          bigint[];   -- arrays with one element per request: what its seats cost together
    v_faults           text[];
    v_checked          record;     -- see _check_claims
    v_outcomes         text[];
    v_answers          uuid[];
    v_round            record;     -- see _admit_searches
    v_sections         record;     -- arrays with one element per section
    v_found            record;     -- arrays with one element per seat: what the round's search chose
    v_round_won        record;     -- what came of that: see _win_found
    v_hints            record;     -- what the first round's search learned
    v_won_nos          integer[] := '{}'::integer[];  -- arrays with one element per seat that some round won: its request
    v_won_section_nos  integer[] := '{}'::integer[];
    v_won_seat_nos     integer[] := '{}'::integer[];
    v_won_rows         tid[] := '{}'::tid[];
    v_lost_section_nos integer[] := '{}'::integer[];  -- arrays with one element per seat that a rival had locked
    v_lost_seat_nos    integer[] := '{}'::integer[];
    v_firsts           integer[];  -- where the seats that a request won begin
    v_created_at       timestamptz;
    v_expires_at       timestamptz;
begin
    if cardinality(p_order_ids) = 0 then
        return;
    end if;
    v_begun := rowlock._begin_claims(p_event_id, p_customer_ids, p_idempotency_keys);
    -- Other quantities are refused by _check_claims; their products might not fit into a bigint.
    select array_agg(case when r.quantity between 1 and 100 then r.quantity * s.price_minor end order by r.request_no),
        array_agg(case when s.section_no is null then 'section_not_found' end order by r.request_no)
    into v_amounts, v_faults
    from unnest(p_section_nos, p_quantities) with ordinality as r (section_no, quantity, request_no)
    left join rowlock.sections s on s.event_id = p_event_id and s.section_no = r.section_no;
    v_checked := rowlock._check_claims(
        p_event_id => p_event_id, p_limit => v_begun.o_limit, p_unpaid_orders_max => v_begun.o_unpaid_orders_max,
        p_unpaid_window_ms => v_begun.o_unpaid_window_ms, p_cooldown_ms => v_begun.o_cooldown_ms, p_is_on_sale => v_begun.o_is_on_sale,
        p_order_ids => p_order_ids, p_customer_ids => p_customer_ids, p_idempotency_keys => p_idempotency_keys,
        p_fingerprints => p_fingerprints, p_key_nos => v_begun.o_key_nos, p_quantities => p_quantities, p_faults => v_faults
    );
    v_outcomes := v_checked.o_outcomes;
    v_answers := v_checked.o_answers;

    -- As late as possible: the next batch for the section waits from here to the commit.
    if array_position(v_outcomes, null) is not null then
        perform rowlock._take_locks(p_class => 2, p_event_id => p_event_id, p_names => p_section_nos::text[], p_wait => true);
    end if;
    for v_round_no in 1 .. 4 loop
        exit when array_position(v_outcomes, null) is null;
        select array_agg(s.section_no) as section_nos, array_agg(s.available) as available
        into v_sections
        from rowlock.sections s
        where s.event_id = p_event_id and s.section_no = any (p_section_nos);
        v_round := rowlock._admit_searches(
            p_limit => v_begun.o_limit, p_outcomes => v_outcomes, p_answers => v_answers, p_order_ids => p_order_ids,
            p_fingerprints => p_fingerprints, p_customer_nos => v_begun.o_customer_nos, p_key_nos => v_begun.o_key_nos,
            p_live_seats => v_checked.o_live_seats, p_asked_section_nos => p_section_nos, p_quantities => p_quantities,
            p_section_nos => v_sections.section_nos, p_available => v_sections.available
        );
        v_outcomes := v_round.o_outcomes;
        v_answers := v_round.o_answers;
        exit when array_position(v_round.o_admitted, true) is null;

        v_found := rowlock._search_sections(
            p_event_id => p_event_id, p_asked_section_nos => p_section_nos, p_quantities => p_quantities, p_admitted => v_round.o_admitted,
            p_lost_section_nos => v_lost_section_nos || v_won_section_nos, p_lost_seat_nos => v_lost_seat_nos || v_won_seat_nos
        );
        if v_round_no = 1 then
            v_hints := v_found;
        end if;
        v_round_won := rowlock._win_found(
            p_outcomes => v_outcomes, p_request_nos => v_found.o_request_nos, p_section_nos => v_found.o_section_nos,
            p_seat_nos => v_found.o_seat_nos, p_seat_rows => v_found.o_seat_rows
        );
        v_outcomes := v_round_won.o_outcomes;
        v_won_nos := v_won_nos || v_round_won.o_request_nos;
        v_won_section_nos := v_won_section_nos || v_round_won.o_section_nos;
        v_won_seat_nos := v_won_seat_nos || v_round_won.o_seat_nos;
        v_won_rows := v_won_rows || v_round_won.o_seat_rows;
        v_lost_section_nos := v_lost_section_nos || v_round_won.o_lost_section_nos;
        v_lost_seat_nos := v_lost_seat_nos || v_round_won.o_lost_seat_nos;
    end loop;

    v_firsts := array_fill(null::integer, array[cardinality(p_order_ids)]);
    for v_seat in reverse cardinality(v_won_nos) .. 1 loop
        v_firsts[v_won_nos[v_seat]] := v_seat;
    end loop;
    if v_won_seat_nos <> '{}' then
        select o.o_created_at, o.o_expires_at into v_created_at, v_expires_at
        from rowlock._place_orders(
            p_event_id => p_event_id, p_window_ms => v_begun.o_window_ms, p_outcomes => v_outcomes, p_order_ids => p_order_ids,
            p_customer_ids => p_customer_ids, p_idempotency_keys => p_idempotency_keys, p_fingerprints => p_fingerprints,
            p_firsts => v_firsts, p_quantities => p_quantities, p_amounts => v_amounts, p_request_nos => v_won_nos,
            p_section_nos => v_won_section_nos, p_seat_nos => v_won_seat_nos, p_seat_rows => v_won_rows,
            p_won_seats => cardinality(v_won_seat_nos)
        ) o;
    end if;
    return query
    select a.request_no, a.outcome, a.order_id, a.order_status, a.section_nos, a.seat_nos, a.amount_minor, a.created_at, a.expires_at,
        a.taken_section_nos, a.taken_seat_nos, a.retry_after_ms
    from rowlock._claim_answers(
        p_event_id => p_event_id, p_outcomes => array_replace(v_outcomes, null, 'busy'), p_order_ids => p_order_ids, p_answers => v_answers,
        p_firsts => v_firsts, p_quantities => p_quantities, p_amounts => v_amounts, p_section_nos => v_won_section_nos,
        p_seat_nos => v_won_seat_nos, p_blamed => null::boolean[], p_retry_after_ms => v_checked.o_retry_after_ms,
        p_created_at => v_created_at, p_expires_at => v_expires_at
    ) a;
    -- Last: every other batch of the event waits for the sections, from here to the commit.
    if v_won_seat_nos <> '{}' then
        perform rowlock._count_claimed(
            p_event_id => p_event_id, p_amounts => v_amounts, p_request_nos => v_won_nos, p_section_nos => v_won_section_nos,
            p_seat_nos => v_won_seat_nos
        );
        -- A seat skipped because a rival had it may still be free: no hint may hide it.
        if cardinality(v_lost_seat_nos) = 0 then
            perform rowlock._write_search_hints(
                p_event_id => p_event_id, p_section_nos => v_hints.o_hint_section_nos, p_quantities => v_hints.o_hint_quantities,
                p_from_seats => v_hints.o_hint_from_seats, p_releases => v_hints.o_hint_releases
            );
        end if;
    end if;
end
$$;

comment on function rowlock.claim_best_available(bigint, uuid[], text[], text[], bytea[], integer[], integer[]) is
    'Claims n seats together, or the nearest together, for a batch of requests of one event; one answer per request.';
grant execute on function rowlock.claim_best_available(bigint, uuid[], text[], text[], bytea[], integer[], integer[]) to rowlock_app;
