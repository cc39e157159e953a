-- Takes, in order, every lock that settling these orders' payments one by one may have to wait for.
--
-- Notices settled one by one change seats and section counts again and again. Taking the locks as needed would lock a seat after a section,
-- or section 1 after section 3, and two batches could deadlock. After this call nothing waits: a late order's seats are tried with SKIP
-- LOCKED, everything else is locked here.
--
-- Locks: customers of late orders (advisory class 1, sorted), seats of pending orders (section_no, seat_no), sections of all the orders
-- (section_no). The caller has locked the orders.
create or replace function rowlock._lock_settlement(p_event_id bigint, p_order_ids uuid[])
returns void
language plpgsql
as $$
begin
    perform rowlock._take_locks(
        p_class => 1, p_event_id => p_event_id, p_wait => true, p_names => array(
            select o.customer_id
            from (select distinct i.order_id from unnest(p_order_ids) as i (order_id)) i
            cross join lateral (
                select o.customer_id
                from rowlock.orders o
                where o.event_id = p_event_id and o.order_id = i.order_id and o.status in ('expired', 'cancelled')
                limit 1
            ) o
        )
    );

    perform
    from (
        select o.order_id, s.section_no, s.seat_no
        from (select distinct i.order_id from unnest(p_order_ids) as i (order_id)) i
        cross join lateral (
            select o.order_id, o.section_nos, o.seat_nos
            from rowlock.orders o
            where o.event_id = p_event_id and o.order_id = i.order_id and o.status = 'pending_payment'
            limit 1
        ) o
        cross join unnest(o.section_nos, o.seat_nos) as s (section_no, seat_no)
        order by s.section_no, s.seat_no
    ) w
    cross join lateral (
        select
        from rowlock.seats s
        where s.event_id = p_event_id and s.section_no = w.section_no and s.seat_no = w.seat_no and s.order_id = w.order_id
        for no key update
    ) s;

    perform
    from (
        select distinct s.section_no
        from (select distinct i.order_id from unnest(p_order_ids) as i (order_id)) i
        cross join lateral (
            select o.section_nos
            from rowlock.orders o
            where o.event_id = p_event_id and o.order_id = i.order_id
            limit 1
        ) o
        cross join unnest(o.section_nos) as s (section_no)
        order by s.section_no
    ) w
    cross join lateral (
        select
        from rowlock.sections s
        where s.event_id = p_event_id and s.section_no = w.section_no
        for no key update
    ) s;
end
$$;

comment on function rowlock._lock_settlement(bigint, uuid[]) is
    'Locks the customers of late orders, the seats of pending ones and the sections of all, in order.';
