-- What happened to an order, in chronological order: its claim, the seats it gave back, its end, every payment that named it, its refunds
-- and reversals, failed expiries, and what operators did. Also works for an order that only payments have named.
--
-- An order is found in any event through its key; its payments by reading those of its event, or of all events if it is unknown: 2 ms for
-- 10,000 of them, 20 ms for 200,000.
-- Locks: none.
-- Errors: RL004 if nothing ever named it.
create or replace function admin.order_timeline(p_order_id uuid) returns table (at timestamptz, what text, detail text)
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
#variable_conflict use_column
declare
    v_order rowlock.orders;
begin
    -- One look-up by key per event: a join could choose to read all orders.
    select o.* into v_order
    from rowlock.events e
    cross join lateral (
        select o.* from rowlock.orders o where o.event_id = e.event_id and o.order_id = p_order_id limit 1
    ) o;
    if v_order.order_id is null and not exists (select from rowlock.payments p where p.order_id = p_order_id) then
        raise exception using errcode = 'RL004', message = 'order_not_found',
            detail = format('there is neither an order %s nor a payment for one', coalesce(p_order_id::text, 'without an id'));
    end if;
    return query
    select h.at, h.what, h.detail
    from (
        select 1 as place, v_order.created_at as at, 'claimed' as what,
            format('%s for %s, %s',
                rowlock._format_seats(v_order.event_id, v_order.section_nos || g.section_nos, v_order.seat_nos || g.seat_nos),
                v_order.customer_id,
                case when v_order.amount_minor + g.amount_minor = 0 then 'free of charge'
                    else format('%s in minor units, to be paid by %s', v_order.amount_minor + g.amount_minor, v_order.expires_at) end
            ) as detail
        from (
            select array_agg(r.section_no) as section_nos, array_agg(r.seat_no) as seat_nos,
                coalesce(sum(s.price_minor), 0)::bigint as amount_minor
            from rowlock.released_seats r
            join rowlock.sections s on s.event_id = r.event_id and s.section_no = r.section_no
            where r.event_id = v_order.event_id and r.order_id = p_order_id
        ) g
        union all
        select 3, r.released_at, 'seats released',
            format('%s, %s in minor units', rowlock._format_seats(v_order.event_id, array_agg(r.section_no), array_agg(r.seat_no)),
                sum(s.price_minor))
        from rowlock.released_seats r
        join rowlock.sections s on s.event_id = r.event_id and s.section_no = r.section_no
        where r.event_id = v_order.event_id and r.order_id = p_order_id
        group by r.released_at
        union all
        select 4, l.released_at, l.released_as::text, 'seats on sale again'
        from rowlock.late_orders l
        where l.event_id = v_order.event_id and l.order_id = p_order_id
        union all
        select 4, v_order.ended_at, case when v_order.status = 'refunded' then 'refund_due' else v_order.status::text end,
            case
                when v_order.status = 'paid' then 'seats sold, tickets issued'
                when v_order.status in ('expired', 'cancelled') then 'seats on sale again'
                else 'the money came too late'
            end
        union all
        select 2, p.received_at, format('payment %s', p.status),
            format('%s %s from %s, %s: %s', p.amount_minor, p.currency, p.provider, p.provider_reference, p.outcome)
        from rowlock.payments p
        where p.order_id = p_order_id and (v_order.event_id is null or p.event_id = v_order.event_id)
        union all
        select 5, p.refunded_at, 'refunded', format('%s %s through %s, %s', p.amount_minor, p.currency, p.provider, p.provider_reference)
        from rowlock.payments p
        where p.order_id = p_order_id and (v_order.event_id is null or p.event_id = v_order.event_id)
        union all
        select 5, p.reversed_at, 'payment reversed', format('%s %s by %s, %s', p.amount_minor, p.currency, p.provider, p.provider_reference)
        from rowlock.payments p
        where p.order_id = p_order_id and (v_order.event_id is null or p.event_id = v_order.event_id)
        union all
        select 3, f.last_failed_at, case when f.retry_at is null then 'dead letter' else 'expiry failed' end,
            format('%s attempts: %s', f.attempts, f.last_error)
        from rowlock.expiry_failures f
        where f.event_id = v_order.event_id and f.order_id = p_order_id
        union all
        select 6, a.acted_at, a.function, format('by %s: %s', a.login_role, coalesce(a.reason, 'no reason asked for'))
        from rowlock.admin_actions a
        where a.order_id = p_order_id
    ) h
    where h.at is not null
    order by h.at, h.place;
end
$$;

comment on function admin.order_timeline(uuid) is 'What happened to an order, step by step. For rowlock_admin.';
grant execute on function admin.order_timeline(uuid) to rowlock_admin;
