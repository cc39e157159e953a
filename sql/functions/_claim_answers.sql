-- The answers to a batch of claims, one row a request. A request whose order id is null has no order to show, one whose order does not
-- exist neither. The last four arrays have one element a wanted seat; the blamed ones are what a refusal is about.
--
-- Stable and without settings of its own, so that the planner can put it in line.
create or replace function rowlock._claim_answers(
    p_event_id    bigint,
    p_outcomes    text[],
    p_order_ids   uuid[],
    p_request_nos integer[] default '{}',
    p_section_nos integer[] default '{}',
    p_seat_nos    integer[] default '{}',
    p_blamed      boolean[] default '{}'
) returns setof rowlock.claim_answer
language sql
stable
as $$
    select r.request_no::integer, r.outcome, o.order_id, o.status::text, o.section_nos, o.seat_nos, o.amount_minor, o.created_at,
           o.expires_at, b.section_nos, b.seat_nos
      from unnest(p_outcomes, p_order_ids) with ordinality as r(outcome, order_id, request_no)
      -- The limit makes it one look-up a request in every plan, and the order, with "between" instead of "=", one in the primary key:
      -- when a sale begins, the statistics still describe an empty table.
      left join lateral (
            select o.*
              from rowlock.orders o
             where o.event_id = p_event_id and o.order_id between r.order_id and r.order_id
             order by o.order_id
             limit 1) o on true
      left join (select b.request_no, array_agg(b.section_no order by b.seat_order) as section_nos,
                        array_agg(b.seat_no order by b.seat_order) as seat_nos
                   from unnest(p_request_nos, p_section_nos, p_seat_nos, p_blamed)
                        with ordinality as b(request_no, section_no, seat_no, is_blamed, seat_order)
                  where b.is_blamed
                  group by b.request_no) b on b.request_no = r.request_no
     order by r.request_no
$$;

comment on function rowlock._claim_answers(bigint, text[], uuid[], integer[], integer[], integer[], boolean[]) is
    'The answers to a batch of claims, with their orders as they are now.';
revoke all on function rowlock._claim_answers(bigint, text[], uuid[], integer[], integer[], integer[], boolean[]) from public;
