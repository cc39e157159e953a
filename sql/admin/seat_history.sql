-- Who held a seat and who owned it, when, and why that ended: one row for each time that it was not on sale, earliest first.
--
-- Nothing is written for this when seats are claimed: it is put together from the orders that list the seat, from seats that orders gave
-- back, from how late orders had ended before, and from the action log. So it reads every order of the event: 3 ms for 10,000 of them, 30
-- ms for 200,000.
--
-- Locks: none.
-- Errors: RL001, RL002, RL003.
create or replace function admin.seat_history(p_event_id bigint, p_section text, p_seat_no integer)
returns table (
    from_at timestamptz, until_at timestamptz, seat_was text, order_id uuid, who text, why_it_ended text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
#variable_conflict use_column
declare
    v_section constant rowlock.sections := rowlock._section_of(p_event_id, p_section);
begin
    if (p_seat_no between 1 and v_section.capacity) is not true then
        raise exception using errcode = 'RL003', message = 'seat_not_found',
            detail = format('section %s has seats 1 to %s%s', v_section.code, v_section.capacity, ', not ' || p_seat_no);
    end if;
    return query
    with claims as materialized (
        select o.order_id, o.customer_id collate "default" as customer_id, o.status, o.created_at, o.expires_at, o.ended_at, l.released_as,
            l.released_at
        from rowlock.orders o
        left join rowlock.late_orders l on l.event_id = o.event_id and l.order_id = o.order_id
        where o.event_id = p_event_id and p_seat_no = any (o.seat_nos)
            and (v_section.section_no, p_seat_no) in (
                select u.section_no, u.seat_no from unnest(o.section_nos, o.seat_nos) as u (section_no, seat_no)
            )
    ), released as materialized (
        select o.order_id, o.customer_id collate "default" as customer_id, o.created_at, r.released_at
        from rowlock.released_seats r
        join rowlock.orders o on o.event_id = r.event_id and o.order_id = r.order_id
        where r.event_id = p_event_id and r.section_no = v_section.section_no and r.seat_no = p_seat_no
    ), blocks as materialized (
        select a.action_id, a.acted_at, a.login_role, a.reason, a.after ? 'blocked' as is_block
        from rowlock.admin_actions a
        where a.event_id = p_event_id
            and a.function in ('admin.block_seats', 'admin.unblock_seats', 'rowlock.block_seats', 'rowlock.unblock_seats')
            and exists (
                select
                from rowlock._selected_seats(p_event_id, coalesce(a.after ->> 'blocked', a.after ->> 'available')) s
                where s.section_no = v_section.section_no and p_seat_no between s.first_seat and s.last_seat
            )
    )
    select h.from_at, h.until_at, h.seat_was, h.order_id, h.who, h.why
    from (
        select c.created_at as from_at, coalesce(c.released_at, c.ended_at) as until_at, 'held' as seat_was, c.order_id,
            c.customer_id as who,
            case
                when c.status = 'pending_payment' then format('not ended: to be paid by %s', c.expires_at)
                when r.action_id is not null then format('released by %s: %s', r.login_role, r.reason)
                when c.released_as is not null and c.status = 'paid' then format('%s, but paid late', c.released_as)
                when c.released_as is not null then format('%s; its money came too late', c.released_as)
                else c.status::text
            end as why
        from claims c
        left join rowlock.admin_actions r on r.order_id = c.order_id and r.event_id = p_event_id and r.function = 'admin.release_order'
        -- A free order is paid when it is claimed.
        where c.ended_at is distinct from c.created_at or c.status <> 'paid'
        union all
        select r.created_at, r.released_at, 'held', r.order_id, r.customer_id, 'released; the order went on without it'
        from released r
        union all
        select c.ended_at, null, 'sold', c.order_id, c.customer_id, 'not ended'
        from claims c
        where c.status = 'paid'
        union all
        select b.acted_at, b.until_at, 'blocked', null, b.login_role,
            concat_ws('; ', 'blocked: ' || coalesce(b.reason, 'through the API'), case when b.until_at is null then 'not ended'
                else format('unblocked by %s: %s', b.until_by, coalesce(b.until_why, 'through the API')) end)
        from (
            select b.acted_at, b.login_role, b.reason, b.is_block, lead(b.acted_at) over w as until_at,
                lead(b.login_role) over w as until_by, lead(b.reason) over w as until_why
            from blocks b
            window w as (order by b.action_id)
        ) b
        where b.is_block
    ) h
    order by h.from_at, h.until_at;
end
$$;

comment on function admin.seat_history(bigint, text, integer) is
    'Who held a seat and who owned it, when, and why that ended. For rowlock_admin.';
grant execute on function admin.seat_history(bigint, text, integer) to rowlock_admin;
