-- Writes what a batch's winners won: their seats become held, and their orders are created, with one row of rowlock.deadlines for all of
-- them, named by the smallest order id, as claimed_together looks it up. An order that costs nothing is paid at once: its seats are sold,
-- with one ticket each, and it is not listed in deadlines. Moving the counts is left to the caller.
--
-- Arrays with one element per request: p_outcomes (claimed: it won) to p_fingerprints, p_firsts (where its seats begin), p_quantities,
-- p_amounts. Arrays with one element per seat, those of a request side by side in the order asked for: p_request_nos to p_seat_rows (where
-- its locked row is). p_won_seats: how many seats the winners have together. Returns when the orders were created and when they are due, by
-- the database's clock, truncated to milliseconds; deadlines follow from the event's window.
--
-- Locks: none beyond the callers': the seats are locked in this transaction, new order ids have no rival, and the customers' advisory locks
-- keep out rivals for an idempotency key.
-- Errors: RL009 if a seat could not be held; 23505 if a seat of a free order already has a ticket.
create or replace function rowlock._place_orders(
    p_event_id         bigint,
    p_window_ms        integer,
    p_outcomes         text[],
    p_order_ids        uuid[],
    p_customer_ids     text[],
    p_idempotency_keys text[],
    p_fingerprints     bytea[],
    p_firsts           integer[],
    p_quantities       integer[],
    p_amounts          bigint[],
    p_request_nos      integer[],
    p_section_nos      integer[],
    p_seat_nos         integer[],
    p_seat_rows        tid[],
    p_won_seats        integer,
    out o_created_at   timestamptz,
    out o_expires_at   timestamptz
)
language plpgsql
as $$
declare
    v_held integer;
begin
    o_created_at := date_trunc('milliseconds', clock_timestamp());
    o_expires_at := o_created_at + p_window_ms * interval '1 millisecond';

    update rowlock.seats s
    set status = case p_amounts[w.request_no] when 0 then 'sold'::rowlock.seat_status else 'held'::rowlock.seat_status end,
        order_id = p_order_ids[w.request_no], filler = null
    from unnest(p_request_nos, p_seat_rows) as w (request_no, seat_row)
    where p_outcomes[w.request_no] = 'claimed' and s.ctid = w.seat_row and s.status = 'available';
    get diagnostics v_held = row_count;
    perform rowlock._assert_rows(v_held, p_won_seats, 'claimed seats');

    insert into rowlock.orders (event_id, order_id, customer_id, status, section_nos, seat_nos, amount_minor, created_at, expires_at,
        ended_at, idempotency_key, fingerprint)
    select p_event_id, r.order_id, r.customer_id,
        case r.amount_minor when 0 then 'paid'::rowlock.order_status else 'pending_payment'::rowlock.order_status end,
        p_section_nos[r.first_no : r.first_no + r.quantity - 1], p_seat_nos[r.first_no : r.first_no + r.quantity - 1], r.amount_minor,
        o_created_at, o_expires_at, case r.amount_minor when 0 then o_created_at end, r.idempotency_key,
        case when r.idempotency_key is not null then r.fingerprint end
    from unnest(p_outcomes, p_order_ids, p_customer_ids, p_idempotency_keys, p_fingerprints, p_firsts, p_quantities, p_amounts)
        as r (outcome, order_id, customer_id, idempotency_key, fingerprint, first_no, quantity, amount_minor)
    where r.outcome = 'claimed';

    insert into rowlock.deadlines (event_id, expires_at, first_order_id, order_ids)
    select p_event_id, o_expires_at, p.order_ids[1], p.order_ids
    from (
        select array_agg(r.order_id order by r.order_id) as order_ids
        from unnest(p_outcomes, p_order_ids, p_amounts) as r (outcome, order_id, amount_minor)
        where r.outcome = 'claimed' and r.amount_minor <> 0
    ) p
    where p.order_ids is not null;
    if 0 = any (p_amounts) then
        insert into rowlock.tickets (event_id, section_no, seat_no, order_id, issued_at)
        select p_event_id, w.section_no, w.seat_no, p_order_ids[w.request_no], o_created_at
        from unnest(p_request_nos, p_section_nos, p_seat_nos) as w (request_no, section_no, seat_no)
        where p_outcomes[w.request_no] = 'claimed' and p_amounts[w.request_no] = 0;
    end if;
end
$$;

comment on function rowlock._place_orders(bigint, integer, text[], uuid[], text[], text[], bytea[], integer[], integer[], bigint[],
    integer[], integer[], integer[], tid[], integer) is 'Takes the seats of a batch''s winners and creates their orders.';
