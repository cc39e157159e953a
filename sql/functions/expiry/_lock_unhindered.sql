-- Locks the seats and sections of orders, and returns where the rows of those orders are of which it got all: the others must not wait for
-- what somebody has locked.
--
-- Only an order's holder has business with its seats, so a locked seat is not waited for. Claims lock their sections for milliseconds at a
-- time: a section is waited for briefly, unless several have been given up by then.
--
-- Locks: seats (section_no, seat_no), passing over locked ones; then sections (section_no), waiting 20 ms for each. The caller has locked
-- the orders.
create or replace function rowlock._lock_unhindered(p_event_id bigint, p_order_rows tid[])
returns tid[]
language plpgsql
set lock_timeout = '20ms'
as $$
declare
    v_given_up_max constant integer := 10;
    v_order_rows   tid[];
    v_section_no   integer;
    v_given_up     integer[] := '{}'::integer[];
begin
    v_order_rows := array(
        select w.order_row
        from (
            select o.ctid as order_row, s.section_no, s.seat_no
            from rowlock.orders o
            cross join unnest(o.section_nos, o.seat_nos) as s (section_no, seat_no)
            where o.ctid = any (p_order_rows)
            order by s.section_no, s.seat_no
        ) w
        left join lateral (
            select true as is_locked
            from rowlock.seats s
            where s.event_id = p_event_id and s.section_no = w.section_no and s.seat_no = w.seat_no
            for no key update skip locked
        ) s on true
        group by w.order_row
        having count(s.is_locked) = count(*)
    );
    for v_section_no in
        select distinct s.section_no
        from rowlock.orders o
        cross join unnest(o.section_nos) as s (section_no)
        where o.ctid = any (v_order_rows)
        order by s.section_no
    loop
        begin
            if cardinality(v_given_up) < v_given_up_max then
                perform from rowlock.sections s where s.event_id = p_event_id and s.section_no = v_section_no for no key update;
            else
                perform from rowlock.sections s where s.event_id = p_event_id and s.section_no = v_section_no for no key update nowait;
            end if;
        exception
            when lock_not_available then
                v_given_up := v_given_up || v_section_no;
        end;
    end loop;
    return array(select o.ctid from rowlock.orders o where o.ctid = any (v_order_rows) and not o.section_nos && v_given_up);
end
$$;

comment on function rowlock._lock_unhindered(bigint, tid[]) is
    'Locks the seats and sections of orders, and returns the orders of which nobody else has locked any.';
