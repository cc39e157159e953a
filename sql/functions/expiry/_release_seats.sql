-- Takes from a pending order the seats that are not to be kept: they are available again, and rowlock.released_seats records them. Kept
-- seats stay in the order asked for; if they cost nothing, the order is paid. p_order_row: where its locked row is.
--
-- Locks: all seats of the order (section_no, seat_no), then their sections (section_no): paying for the kept ones must not lock a seat or a
-- section that sorts before those given back.
-- Errors: RL009 if the order does not hold every seat it lists.
create or replace function rowlock._release_seats(
    p_event_id         bigint,
    p_order_row        tid,
    p_kept_section_nos integer[],
    p_kept_seat_nos    integer[],
    p_at               timestamptz
)
returns void
language plpgsql
as $$
declare
    v_order rowlock.orders;
    v_kept  record;
    v_count bigint;
begin
    select o.* into strict v_order from rowlock.orders o where o.ctid = p_order_row;
    perform rowlock._wait_for_seats(p_event_id, v_order.section_nos, v_order.seat_nos);
    perform rowlock._lock_sections(p_event_id, v_order.section_nos);

    with listed as (
        select w.section_no, w.seat_no, w.place, s.price_minor,
            exists (
                select
                from unnest(p_kept_section_nos, p_kept_seat_nos) as k (section_no, seat_no)
                where k.section_no = w.section_no and k.seat_no = w.seat_no
            ) as is_kept
        from unnest(v_order.section_nos, v_order.seat_nos) with ordinality as w (section_no, seat_no, place)
        join rowlock.sections s on s.event_id = p_event_id and s.section_no = w.section_no
    )
    select array_agg(l.section_no order by l.place) filter (where l.is_kept) as section_nos,
        array_agg(l.seat_no order by l.place) filter (where l.is_kept) as seat_nos,
        (sum(l.price_minor) filter (where l.is_kept))::bigint as amount_minor,
        array_agg(l.section_no) filter (where not l.is_kept) as given_section_nos,
        array_agg(l.seat_no) filter (where not l.is_kept) as given_seat_nos
    into v_kept
    from listed l;

    with released as (
        update rowlock.seats s
        set status = 'available', order_id = null
        from unnest(v_kept.given_section_nos, v_kept.given_seat_nos) as w (section_no, seat_no)
        where s.event_id = p_event_id and s.section_no = w.section_no and s.seat_no = w.seat_no
            and s.status = 'held' and s.order_id = v_order.order_id
        returning s.section_no, s.seat_no
    )
    insert into rowlock.released_seats (event_id, order_id, section_no, seat_no, released_at)
    select p_event_id, v_order.order_id, r.section_no, r.seat_no, p_at
    from released r;
    get diagnostics v_count = row_count;
    perform rowlock._assert_rows(v_count, cardinality(v_kept.given_seat_nos), 'seats held by their order');
    perform rowlock._move_seat_counts(
        p_event_id => p_event_id, p_section_nos => v_kept.given_section_nos, p_seat_nos => v_kept.given_seat_nos, p_from => 'held',
        p_to => 'available'
    );

    update rowlock.orders o
    set section_nos = v_kept.section_nos, seat_nos = v_kept.seat_nos, amount_minor = v_kept.amount_minor
    where o.ctid = p_order_row
    returning o.ctid into p_order_row;
    if v_kept.amount_minor = 0 then
        perform rowlock._pay_orders(p_event_id => p_event_id, p_order_rows => array[p_order_row], p_from => 'held', p_at => p_at);
    end if;
end
$$;

comment on function rowlock._release_seats(bigint, tid, integer[], integer[], timestamptz) is
    'Takes from a pending order the seats it does not keep.';
