-- Gives back the seats of a customer's pending order that are not to be kept, puts them back on sale, and returns the order. Its amount
-- becomes the price of the kept seats, its deadline stays; if they cost nothing, the order is paid at once. Keeping all seats changes
-- nothing, even after the order was paid.
--
-- p_kept_section_nos and p_kept_seat_nos are parallel arrays. If this meets a payment, the order's lock decides: whoever comes second finds
-- the order as the first left it, so money for the former amount is then the wrong amount.
--
-- Locks: the order, all of its seats (section_no, seat_no), their sections (section_no).
-- Errors: RL004 if this customer has no such order; RL006 if it is not pending; RL007 if no seat is kept, one is named twice, or one is not
-- in the order (the detail counts them from 0, as JSON does: seats[1]); RL010 if it does not hold a seat it lists.
create or replace function rowlock.release_seats(
    p_event_id         bigint,
    p_order_id         uuid,
    p_customer_id      text,
    p_kept_section_nos integer[],
    p_kept_seat_nos    integer[]
)
returns setof rowlock.order_row
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
    v_is_over     boolean;
begin
    select l.o_row, l.o_status, l.o_section_nos, l.o_seat_nos into v_row, v_status, v_section_nos, v_seat_nos
    from rowlock._lock_order(p_event_id, p_order_id, p_customer_id) l;
    v_is_over := v_status not in ('pending_payment', 'paid');
    if not v_is_over then
        perform rowlock._check_kept_seats(
            p_section_nos => v_section_nos, p_seat_nos => v_seat_nos, p_kept_section_nos => p_kept_section_nos,
            p_kept_seat_nos => p_kept_seat_nos
        );
        -- None is named twice and all are in the order: if there are as many, all are kept.
        v_is_over := v_status = 'paid' and cardinality(p_kept_seat_nos) < cardinality(v_seat_nos);
    end if;
    if v_is_over then
        perform rowlock._order_not_pending(p_order_id, v_status);
    end if;
    if cardinality(p_kept_seat_nos) < cardinality(v_seat_nos) then
        perform rowlock._release_seats(
            p_event_id => p_event_id, p_order_row => v_row, p_kept_section_nos => p_kept_section_nos, p_kept_seat_nos => p_kept_seat_nos,
            p_at => date_trunc('milliseconds', clock_timestamp())
        );
    end if;
    return query
    select o.event_id, o.order_id, o.customer_id, o.status, o.section_nos, o.seat_nos, o.amount_minor, o.currency, o.created_at,
        o.expires_at, o.ended_at
    from rowlock.get_order(p_event_id, p_order_id, p_customer_id) o;
end
$$;

comment on function rowlock.release_seats(bigint, uuid, text, integer[], integer[]) is
    'Gives back seats of a customer''s pending order, all but those to keep; returns the order.';
grant execute on function rowlock.release_seats(bigint, uuid, text, integer[], integer[]) to rowlock_app;
