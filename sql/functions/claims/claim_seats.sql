-- Claims explicit seats for a batch of requests of one event, in one transaction: each request gets all its seats or none, and the first to
-- ask wins. Never waits for a seat: one that is locked or no longer available is named as taken.
--
-- Requests come as p_order_ids … p_fingerprints, one element each (numbered from 1), and their seats as p_request_nos … p_seat_nos, one
-- element per wanted seat, in request order. Returns one row per request. An order that costs nothing is paid at once, with its tickets.
--
-- Algorithm: what can be refused without looking at a seat is refused first. The seats of all remaining requests are then locked together,
-- and the requests are decided one by one, in order, in memory, so that rivals within the batch lose to the earlier one and a request that
-- fails reserves nothing. Winners are written with one statement per table. If no two requests conflict and all seats were available, which
-- is usual, there is nothing to decide. Every statement has a generic plan and is as small as possible: planning costs more than running,
-- and starting a plan with many nodes costs as much as running it for ten requests. What a function returns is assigned to a record, which
-- costs less than selecting from it.
--
-- Locks: customers (advisory class 1, sorted), seats in (section_no, seat_no) order, skipping locked ones, sections in section_no order.
-- Outcomes: claimed, replayed, idempotency_key_reused, event_not_found, not_on_sale, too_many_seats (none, or above 100), duplicate_seat,
-- section_not_found, seat_not_found, cooldown, customer_limit, seat_taken.
-- Errors: RL006 if the seats are not in request order; RL009 if a locked seat could not be held.
create or replace function rowlock.claim_seats(
    p_event_id         bigint,
    p_order_ids        uuid[],
    p_customer_ids     text[],
    p_idempotency_keys text[],
    p_fingerprints     bytea[],
    p_request_nos      integer[],
    p_section_nos      integer[],
    p_seat_nos         integer[]
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
    v_requests        constant integer := cardinality(p_order_ids);
    v_begun           record;  -- see _begin_claims
    v_wanted          record;  -- see _read_wanted_seats
    v_checked         record;  -- see _check_claims
    v_locked          record;  -- see _lock_available_seats
    v_decided         record;  -- see _decide_seat_claims
    v_outcomes        text[];  -- arrays with one element per request
    v_answers         uuid[];
    v_is_wanted       boolean[] := '{}'::boolean[];  -- arrays with one element per wanted seat
    v_blamed          boolean[];
    v_won_nos         integer[] := p_request_nos;  -- arrays with one element per won seat: its request
    v_won_section_nos integer[] := p_section_nos;
    v_won_seat_nos    integer[] := p_seat_nos;
    v_created_at      timestamptz;
    v_expires_at      timestamptz;
begin
    if v_requests = 0 then
        return;
    end if;
    v_begun := rowlock._begin_claims(p_event_id, p_customer_ids, p_idempotency_keys);
    v_wanted := rowlock._read_wanted_seats(
        p_event_id => p_event_id, p_requests => v_requests, p_request_nos => p_request_nos, p_section_nos => p_section_nos,
        p_seat_nos => p_seat_nos
    );
    v_checked := rowlock._check_claims(
        p_event_id => p_event_id, p_limit => v_begun.o_limit, p_unpaid_orders_max => v_begun.o_unpaid_orders_max,
        p_unpaid_window_ms => v_begun.o_unpaid_window_ms, p_cooldown_ms => v_begun.o_cooldown_ms, p_is_on_sale => v_begun.o_is_on_sale,
        p_order_ids => p_order_ids, p_customer_ids => p_customer_ids, p_idempotency_keys => p_idempotency_keys,
        p_fingerprints => p_fingerprints, p_key_nos => v_begun.o_key_nos, p_quantities => v_wanted.o_quantities,
        p_faults => v_wanted.o_faults
    );
    if cardinality(array_remove(v_checked.o_outcomes, null)) > 0 then
        v_is_wanted := array(
            select v_checked.o_outcomes[w.request_no] is null from unnest(p_request_nos) with ordinality as w (request_no, wanted_no)
            order by w.wanted_no
        );
    end if;
    v_locked := rowlock._lock_available_seats(
        p_event_id => p_event_id, p_section_nos => p_section_nos, p_seat_nos => p_seat_nos, p_is_wanted => v_is_wanted
    );

    if v_locked.o_are_all and v_begun.o_are_distinct and array_position(v_wanted.o_quantities, 0) is null then
        v_outcomes := array_fill('claimed'::text, array[v_requests]);
    else
        v_decided := rowlock._decide_seat_claims(
            p_limit => v_begun.o_limit, p_outcomes => v_checked.o_outcomes, p_answers => v_checked.o_answers, p_order_ids => p_order_ids,
            p_fingerprints => p_fingerprints, p_customer_nos => v_begun.o_customer_nos, p_key_nos => v_begun.o_key_nos,
            p_live_seats => v_checked.o_live_seats, p_firsts => v_wanted.o_firsts, p_quantities => v_wanted.o_quantities,
            p_missing => v_wanted.o_missing, p_first_nos => v_locked.o_first_nos, p_seat_rows => v_locked.o_seat_rows
        );
        v_outcomes := v_decided.o_outcomes;
        v_answers := v_decided.o_answers;
        v_blamed := v_decided.o_blamed;
        select coalesce(array_agg(w.request_no), '{}'), coalesce(array_agg(w.section_no), '{}'), coalesce(array_agg(w.seat_no), '{}')
        into v_won_nos, v_won_section_nos, v_won_seat_nos
        from unnest(p_request_nos, p_section_nos, p_seat_nos) as w (request_no, section_no, seat_no)
        where v_outcomes[w.request_no] = 'claimed';
    end if;

    if v_won_seat_nos <> '{}' then
        select o.o_created_at, o.o_expires_at into v_created_at, v_expires_at
        from rowlock._place_orders(
            p_event_id => p_event_id, p_window_ms => v_begun.o_window_ms, p_outcomes => v_outcomes, p_order_ids => p_order_ids,
            p_customer_ids => p_customer_ids, p_idempotency_keys => p_idempotency_keys, p_fingerprints => p_fingerprints,
            p_firsts => v_wanted.o_firsts, p_quantities => v_wanted.o_quantities, p_amounts => v_wanted.o_amounts,
            p_request_nos => p_request_nos, p_section_nos => p_section_nos, p_seat_nos => p_seat_nos,
            p_seat_rows => v_locked.o_seat_rows, p_won_seats => cardinality(v_won_seat_nos)
        ) o;
    end if;
    return query
    select a.request_no, a.outcome, a.order_id, a.order_status, a.section_nos, a.seat_nos, a.amount_minor, a.created_at, a.expires_at,
        a.taken_section_nos, a.taken_seat_nos, a.retry_after_ms
    from rowlock._claim_answers(
        p_event_id => p_event_id, p_outcomes => v_outcomes, p_order_ids => p_order_ids, p_answers => v_answers,
        p_firsts => v_wanted.o_firsts, p_quantities => v_wanted.o_quantities, p_amounts => v_wanted.o_amounts,
        p_section_nos => p_section_nos, p_seat_nos => p_seat_nos, p_blamed => v_blamed,
        p_retry_after_ms => v_checked.o_retry_after_ms, p_created_at => v_created_at, p_expires_at => v_expires_at
    ) a;
    -- Last: every other batch of the event waits for the sections, from here to the commit.
    perform rowlock._count_claimed(
        p_event_id => p_event_id, p_amounts => v_wanted.o_amounts, p_request_nos => v_won_nos, p_section_nos => v_won_section_nos,
        p_seat_nos => v_won_seat_nos
    );
end
$$;

comment on function rowlock.claim_seats(bigint, uuid[], text[], text[], bytea[], integer[], integer[], integer[]) is
    'Claims explicit seats for a batch of requests of one event, all or none each, first come first served; one answer per request.';
grant execute on function rowlock.claim_seats(bigint, uuid[], text[], text[], bytea[], integer[], integer[], integer[]) to rowlock_app;
