-- The answers to a batch of claims, one row per request.
--
-- Arrays with one element per request: p_outcomes, p_order_ids, p_answers (the order of a replayed request), p_firsts (where its seats
-- begin), p_quantities, p_amounts, p_retry_after_ms. Arrays with one element per seat: p_section_nos, p_seat_nos and p_blamed, whether the
-- seat is why its request failed. A claimed order is returned as it was written, created at p_created_at and due at p_expires_at; a
-- replayed one as it is now.
--
-- Stable and without settings of its own, so that the planner can inline it.
create or replace function rowlock._claim_answers(
    p_event_id       bigint,
    p_outcomes       text[],
    p_order_ids      uuid[],
    p_answers        uuid[],
    p_firsts         integer[],
    p_quantities     integer[],
    p_amounts        bigint[],
    p_section_nos    integer[],
    p_seat_nos       integer[],
    p_blamed         boolean[],
    p_retry_after_ms integer[],
    p_created_at     timestamptz,
    p_expires_at     timestamptz
) returns setof rowlock.claim_answer
language sql
stable
as $$
    select r.request_no::integer, r.outcome, case when c.is_claimed then r.order_id else o.order_id end,
        case when not c.is_claimed then o.status::text when r.amount_minor = 0 then 'paid' else 'pending_payment' end,
        case when c.is_claimed then p_section_nos[r.first_no : r.first_no + r.quantity - 1] else o.section_nos end,
        case when c.is_claimed then p_seat_nos[r.first_no : r.first_no + r.quantity - 1] else o.seat_nos end,
        case when c.is_claimed then r.amount_minor else o.amount_minor end,
        case when c.is_claimed then p_created_at else o.created_at end,
        case when c.is_claimed then p_expires_at else o.expires_at end,
        case when c.names_seats then array(
            select p_section_nos[s.no] from generate_series(r.first_no, r.first_no + r.quantity - 1) as s (no) where p_blamed[s.no]
        ) end,
        case when c.names_seats then array(
            select p_seat_nos[s.no] from generate_series(r.first_no, r.first_no + r.quantity - 1) as s (no) where p_blamed[s.no]
        ) end,
        case r.outcome when 'cooldown' then r.retry_after_ms end
    from unnest(p_outcomes, p_order_ids, p_answers, p_firsts, p_quantities, p_amounts, p_retry_after_ms)
        with ordinality as r (outcome, order_id, answer, first_no, quantity, amount_minor, retry_after_ms, request_no)
    cross join lateral (select r.outcome = 'claimed' as is_claimed, r.outcome in ('seat_taken', 'seat_not_found') as names_seats) c
    -- The limit makes it one look-up per request in every plan: when a sale begins, the statistics still describe an empty table.
    left join lateral (
        select o.order_id, o.status, o.section_nos, o.seat_nos, o.amount_minor, o.created_at, o.expires_at
        from rowlock.orders o
        where r.outcome = 'replayed' and o.event_id = p_event_id and o.order_id = r.answer
        limit 1
    ) o on true
$$;

comment on function rowlock._claim_answers(bigint, text[], uuid[], uuid[], integer[], integer[], bigint[], integer[], integer[], boolean[],
    integer[], timestamptz, timestamptz) is 'The answers to a batch of claims.';
