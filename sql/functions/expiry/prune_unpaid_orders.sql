-- Deletes orders that ended unpaid, expired or cancelled, more than p_kept_days ago, with the seats they gave back before and the payments
-- for them that failed; one event and at most p_limit orders a call. Orders that something still refers to stay: a payment that was owed
-- back, the action log, or a recorded failure of their expiry. Paid and refunded orders stay for good. Money that comes for a deleted order
-- is owed back, like money for any unknown order, also under a reference that failed before.
--
-- An order is looked at once, when it is old enough, in the order of creation: events.pruned_to is how far that has come. An order's window
-- is at most a day, so nearly everything created a day before the limit has ended by then; what has not (a dead letter) stays, and so does
-- what somebody has locked at that moment: nobody waits here.
--
-- Looks for work from p_from_event_id on. Returns the event, and how many of its orders were deleted; null and zero if there is nothing to
-- do from there on. An event that another call is busy with is passed over.
--
-- Locks: the event's row (for no key update), then the unpaid orders, then their failed payments; none of them is waited for.
-- Errors: none.
create or replace function rowlock.prune_unpaid_orders(
    p_from_event_id bigint,
    p_kept_days     integer,
    p_limit         integer,
    out o_event_id  bigint,
    out o_deleted   integer
)
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
    v_ended_before   constant timestamptz := clock_timestamp() - p_kept_days * interval '1 day';
    -- The smallest UUIDv7 of a day before.
    v_created_before constant uuid := rpad(
        lpad(to_hex((extract(epoch from v_ended_before - interval '1 day') * 1000)::bigint), 12, '0'), 32, '0'
    )::uuid;
    v_from           uuid;
    v_upto           uuid;
begin
    o_deleted := 0;
    select e.event_id, e.pruned_to into o_event_id, v_from
    from rowlock.events e
    where e.event_id >= p_from_event_id and e.opened_at is not null
        and exists (
            select from rowlock.orders o
            where o.event_id = e.event_id and o.order_id > e.pruned_to and o.order_id < v_created_before
        )
    order by e.event_id
    limit 1
    for no key update skip locked;
    if o_event_id is null then
        return;
    end if;

    with old as materialized (
        select o.order_id
        from rowlock.orders o
        where o.event_id = o_event_id and o.order_id > v_from and o.order_id < v_created_before
        order by o.order_id
        limit p_limit
    ), unpaid as materialized (
        select o.order_id
        from old
        join rowlock.orders o on o.event_id = o_event_id and o.order_id = old.order_id
        where o.ended_as in ('expired', 'cancelled') and o.ended_at < v_ended_before
        for update of o skip locked
    ), failed as materialized (
        -- A notice of one of these payments that names another order may have locked it.
        select p.provider, p.provider_reference
        from unpaid u
        join rowlock.payments p on p.event_id = o_event_id and p.order_id = u.order_id
        where p.outcome = 'failed_recorded'
        for update of p skip locked
    ), deleted as (
        delete from rowlock.orders o
        using unpaid u
        where o.event_id = o_event_id and o.order_id = u.order_id
            and not exists (
                select from rowlock.payments p
                where p.event_id = o_event_id and p.order_id = u.order_id and p.outcome in ('refund_due', 'failed_recorded')
                    and not exists (
                        select from failed f where f.provider = p.provider and f.provider_reference = p.provider_reference
                    )
            )
            and not exists (select from rowlock.admin_actions a where a.order_id = u.order_id)
            and not exists (select from rowlock.expiry_failures f where f.event_id = o_event_id and f.order_id = u.order_id)
        returning o.order_id
    ), released as (
        delete from rowlock.released_seats r
        using deleted d
        where r.event_id = o_event_id and r.order_id = d.order_id
    ), forgotten as (
        delete from rowlock.payments p
        using deleted d
        where p.event_id = o_event_id and p.order_id = d.order_id and p.outcome = 'failed_recorded'
    )
    select (select count(*) from deleted), (select old.order_id from old order by old.order_id desc limit 1) into o_deleted, v_upto;
    update rowlock.events e set pruned_to = v_upto where e.event_id = o_event_id;
end
$$;

comment on function rowlock.prune_unpaid_orders(bigint, integer, integer) is
    'Deletes old orders that ended unpaid and that nothing refers to, of one event a call.';
grant execute on function rowlock.prune_unpaid_orders(bigint, integer, integer) to rowlock_app;
