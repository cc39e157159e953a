-- Gives back the seats of a customer's pending order that are not to be kept, puts them back on sale, and returns the order. Its amount
-- becomes the price of the kept seats, its deadline stays; if they cost nothing, the order is paid at once. Keeping all seats changes
-- nothing, even after the order was paid.
--
-- p_kept_section_nos and p_kept_seat_nos are parallel arrays. If this meets a payment, the order's lock decides: whoever comes second finds
-- the order as the first left it, so money for the former amount is then the wrong amount.
--
-- Refusals: order_not_found if this customer has no such order; order_not_pending; invalid_request if no seat is kept, one is named twice,
-- or one is not in the order (the detail counts them from 0, as JSON does: seats[1]).
--
-- Locks: the order, all of its seats (section_no, seat_no), their sections (section_no).
-- Errors: RL009 if it does not hold a seat it lists.
create or replace function rowlock.release_seats(
    p_event_id         bigint,
    p_order_id         uuid,
    p_customer_id      text,
    p_kept_section_nos integer[],
    p_kept_seat_nos    integer[]
)
returns rowlock.order_answer
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_row         tid;
    v_status      rowlock.order_status;
    v_section_nos integer[];
    v_seat_nos    integer[];
    v_refusal     text;
    v_objection   text;
begin
    select l.o_row, l.o_status, l.o_section_nos, l.o_seat_nos into v_row, v_status, v_section_nos, v_seat_nos
    from rowlock._lock_order(p_event_id, p_order_id, p_customer_id) l;
    if v_status in ('pending_payment', 'paid') then
        v_objection := rowlock._kept_seats_objection(
            p_section_nos => v_section_nos, p_seat_nos => v_seat_nos, p_kept_section_nos => p_kept_section_nos,
            p_kept_seat_nos => p_kept_seat_nos
        );
    end if;
    -- Where nothing is wrong, none is named twice and all are in the order: if there are as many, all are kept.
    if v_status is null then
        v_refusal := 'order_not_found';
    elsif v_objection is not null then
        v_refusal := 'invalid_request';
    elsif v_status not in ('pending_payment', 'paid') or v_status = 'paid' and cardinality(p_kept_seat_nos) < cardinality(v_seat_nos) then
        v_refusal := 'order_not_pending';
        v_objection := rowlock._not_pending_objection(p_order_id, v_status);
    elsif cardinality(p_kept_seat_nos) < cardinality(v_seat_nos) then
        perform rowlock._release_seats(
            p_event_id => p_event_id, p_order_row => v_row, p_kept_section_nos => p_kept_section_nos, p_kept_seat_nos => p_kept_seat_nos,
            p_at => date_trunc('milliseconds', clock_timestamp())
        );
    end if;
    return rowlock._order_answer(
        p_event_id => p_event_id, p_order_id => p_order_id, p_customer_id => p_customer_id, p_refusal => v_refusal,
        p_objection => v_objection
    );
end
$$;

comment on function rowlock.release_seats(bigint, uuid, text, integer[], integer[]) is
    'Gives back seats of a customer''s pending order, all but those to keep; returns the order.';
grant execute on function rowlock.release_seats(bigint, uuid, text, integer[], integer[]) to rowlock_app;
