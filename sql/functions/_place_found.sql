-- Places the orders of a round of best-available claims: those of the requests whose seats could all be locked. Arrays of one element a
-- request: p_outcomes (null: undecided) to p_fingerprints; of one element a seat that was found: p_request_nos to p_seat_rows (null: a
-- rival had it). Answers the outcomes and orders as they are now, the seats held for the winners, and those lost to rivals; moving the
-- counts is left to the caller.
--
-- Locks: none beyond the callers', as in _place_orders.
-- Errors: RL010 if a seat was not there to be held.
create or replace function rowlock._place_found(
    p_event_id             bigint,
    p_window_ms            integer,
    p_outcomes             text[],
    p_answers              uuid[],
    p_order_ids            uuid[],
    p_customer_ids         text[],
    p_idempotency_keys     text[],
    p_fingerprints         bytea[],
    p_request_nos          integer[],
    p_section_nos          integer[],
    p_seat_nos             integer[],
    p_seat_rows            tid[],
    out o_outcomes         text[],
    out o_answers          uuid[],
    out o_held_section_nos integer[],
    out o_held_seat_nos    integer[],
    out o_lost_section_nos integer[],
    out o_lost_seat_nos    integer[]
)
language plpgsql
as $$
declare
    v_won record;  -- arrays of one element a seat
begin
    o_outcomes := p_outcomes;
    o_answers := p_answers;
    select array_agg(f.request_no) filter (where f.is_won) as request_nos,
           array_agg(f.section_no) filter (where f.is_won) as section_nos,
           array_agg(f.seat_no) filter (where f.is_won) as seat_nos,
           array_agg(f.seat_row) filter (where f.is_won) as seat_rows,
           array_agg(f.section_no) filter (where f.seat_row is null) as lost_section_nos,
           array_agg(f.seat_no) filter (where f.seat_row is null) as lost_seat_nos
      into v_won
      from (select f.*, bool_and(f.seat_row is not null) over (partition by f.request_no) as is_won
              from unnest(p_request_nos, p_section_nos, p_seat_nos, p_seat_rows) as f(request_no, section_no, seat_no, seat_row)) f;
    o_lost_section_nos := v_won.lost_section_nos;
    o_lost_seat_nos := v_won.lost_seat_nos;
    if v_won.request_nos is null then
        return;
    end if;

    perform rowlock._place_orders(p_event_id, p_window_ms, p_order_ids, p_customer_ids, p_idempotency_keys, p_fingerprints,
                                  v_won.request_nos, v_won.section_nos, v_won.seat_nos, v_won.seat_rows);
    o_held_section_nos := v_won.section_nos;
    o_held_seat_nos := v_won.seat_nos;
    select array_agg(case when w.request_no is not null then 'claimed' else r.outcome end order by r.request_no),
           array_agg(case when w.request_no is not null then r.order_id else r.answer end order by r.request_no)
      into o_outcomes, o_answers
      from unnest(p_outcomes, p_answers, p_order_ids) with ordinality as r(outcome, answer, order_id, request_no)
      left join (select distinct w.request_no from unnest(v_won.request_nos) as w(request_no)) w on w.request_no = r.request_no;
end
$$;

comment on function rowlock._place_found(bigint, integer, text[], uuid[], uuid[], text[], text[], bytea[], integer[], integer[],
    integer[], tid[]) is 'Places the orders of the best-available claims whose seats could all be locked.';
revoke all on function rowlock._place_found(bigint, integer, text[], uuid[], uuid[], text[], text[], bytea[], integer[], integer[],
    integer[], tid[]) from public;
