-- Claims explicit seats for a batch of requests of one event, in one transaction: each request gets all its seats or none, and the
-- first to ask wins. Never waits for a seat: one that is locked or no longer available is answered as taken, by name.
--
-- Requests come as p_order_ids … p_fingerprints, one element each (numbered from 1), and their seats as p_request_nos … p_seat_nos,
-- one element a wanted seat. Answers one row a request.
--
-- Algorithm: what can be refused without looking at a seat is refused first; then the seats of all requests still alive are locked in
-- one go; then the requests are decided one by one, in order, in memory, so that rivals within the batch lose to the earlier one and a
-- request that fails reserves nothing; then the winners are written with one statement a table. Lock, decide and write are separate
-- statements with generic plans: planning them again costs more than running them.
--
-- Locks: the event (key share, as the foreign key of its orders takes it anyway), customers (advisory class 1, sorted), seats in
-- (section_no, seat_no) order, skipping locked ones, sections in section_no order.
-- Outcomes: claimed, replayed, idempotency_key_reused, event_not_found, not_on_sale, too_many_seats (none, or above 100),
-- duplicate_seat, section_not_found, seat_not_found, customer_limit, seat_taken.
-- Errors: RL010 if a locked seat could not be held.
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
    v_event        record;
    v_wanted       record;     -- arrays of one element a wanted seat, in request order
    v_customer_nos integer[];  -- arrays of one element a request, as _known_claims answers them
    v_key_nos      integer[];
    v_live_seats   integer[];
    v_quantities   integer[];
    v_outcomes     text[];     -- of each request, null while undecided
    v_answers      uuid[];     -- the order each request is answered with
    v_seat_rows    tid[];      -- where the locked row of each wanted seat lies, null if it was not to be had
    v_blamed       boolean[];  -- whether a wanted seat is why its request failed
    v_won          record;     -- arrays of one element a won seat
begin
    if cardinality(p_order_ids) = 0 then
        return;
    end if;
    select e.seats_per_customer, e.window_ms, e.status = 'open' and coalesce(e.on_sale_at <= clock_timestamp(), true) as is_on_sale
      into v_event
      from rowlock.events e
     where e.event_id = p_event_id
       for key share;
    perform rowlock._lock_customers(p_event_id, p_customer_ids);

    select array_agg(w.request_no) as request_nos, array_agg(w.section_no) as section_nos, array_agg(w.seat_no) as seat_nos,
           array_agg(w.first_no) as first_nos, array_agg(w.fault) as faults
      into v_wanted
      from rowlock._wanted_seats(p_event_id, p_request_nos, p_section_nos, p_seat_nos) w;

    select array_agg(c.customer_no), array_agg(c.key_no), array_agg(c.live_seats), array_agg(c.quantity), array_agg(c.outcome),
           array_agg(case when c.outcome = 'replayed' then c.known_order_id end)
      into v_customer_nos, v_key_nos, v_live_seats, v_quantities, v_outcomes, v_answers
      from (select k.*, w.quantity,
                   case when k.known_outcome is not null then k.known_outcome
                        when v_event.is_on_sale is null then 'event_not_found'
                        when not v_event.is_on_sale then 'not_on_sale'
                        when (w.quantity between 1 and 100) is not true then 'too_many_seats'
                        when w.fault is not null then w.fault
                        -- Behind a request of the same key the key decides first.
                        when k.key_no = k.request_no and k.live_seats + w.quantity > v_event.seats_per_customer
                            then 'customer_limit' end as outcome
              from rowlock._known_claims(p_event_id, p_order_ids, p_customer_ids, p_idempotency_keys, p_fingerprints) k
              left join (select w.request_no, count(*)::integer as quantity,
                                (array['duplicate_seat', 'section_not_found', 'seat_not_found'])[min(w.fault)] as fault
                           from unnest(v_wanted.request_nos, v_wanted.faults) as w(request_no, fault)
                          group by w.request_no) w on w.request_no = k.request_no
             order by k.request_no) c;

    v_seat_rows := rowlock._lock_seats(p_event_id, v_wanted.section_nos, v_wanted.seat_nos,
                                       array(select v_outcomes[w.request_no] is null
                                               from unnest(v_wanted.request_nos) with ordinality as w(request_no, wanted_no)
                                              order by w.wanted_no));

    select d.o_outcomes, d.o_answers, d.o_blamed
      into v_outcomes, v_answers, v_blamed
      from rowlock._decide_seat_claims(
               v_event.seats_per_customer, v_outcomes, v_answers, p_order_ids, p_fingerprints, v_customer_nos, v_key_nos, v_live_seats,
               v_quantities, v_wanted.first_nos, v_wanted.faults, v_seat_rows) d;

    select array_agg(w.request_no) as request_nos, array_agg(w.section_no) as section_nos, array_agg(w.seat_no) as seat_nos,
           array_agg(w.seat_row) as seat_rows
      into v_won
      from unnest(v_wanted.request_nos, v_wanted.section_nos, v_wanted.seat_nos, v_seat_rows)
           as w(request_no, section_no, seat_no, seat_row)
     where v_outcomes[w.request_no] = 'claimed';
    if v_won.seat_nos is not null then
        perform rowlock._place_orders(p_event_id, v_event.window_ms, p_order_ids, p_customer_ids, p_idempotency_keys, p_fingerprints,
                                      v_won.request_nos, v_won.section_nos, v_won.seat_nos, v_won.seat_rows);
    end if;
    return query
    select a.* from rowlock._claim_answers(p_event_id, v_outcomes, v_answers, v_wanted.request_nos, v_wanted.section_nos,
                                           v_wanted.seat_nos, v_blamed) a;
    -- Last: every other batch of the event waits for the sections, from here to the commit.
    perform rowlock._move_seat_counts(p_event_id, v_won.section_nos, v_won.seat_nos, 'available', 'held');
end
$$;

comment on function rowlock.claim_seats(bigint, uuid[], text[], text[], bytea[], integer[], integer[], integer[]) is
    'Claims explicit seats for a batch of requests of one event, all or none each, first come first served; one answer a request.';
revoke all on function rowlock.claim_seats(bigint, uuid[], text[], text[], bytea[], integer[], integer[], integer[]) from public;
grant execute on function rowlock.claim_seats(bigint, uuid[], text[], text[], bytea[], integer[], integer[], integer[]) to rowlock_app;
