-- How long a customer still has to wait, in milliseconds, who has let too many orders end unpaid: p_unpaid_orders_max or more that expired
-- or were cancelled since p_last_paid_at (null: the customer has paid for none) and no longer than p_unpaid_window_ms before the last of
-- them. The wait ends p_cooldown_ms after that one. Null: the customer need not wait.
--
-- Money that comes too late and is owed back does not undo that an order kept its seats from others until it ended: refund_due and
-- refunded count like expired, from the same moment.
--
-- Looks at no more than p_unpaid_orders_max orders of each kind, however many there are. The newest are those that were created last.
--
-- Locks: none. Callers hold the customer's advisory lock.
create or replace function rowlock._cooldown_left_ms(
    p_event_id          bigint,
    p_customer_id       text,
    p_last_paid_at      timestamptz,
    p_unpaid_orders_max integer,
    p_unpaid_window_ms  integer,
    p_cooldown_ms       integer
) returns integer
language plpgsql
stable
as $$
declare
    v_ended  timestamptz[];
    v_last   timestamptz;
    v_unpaid integer;
begin
    -- "between" and the order keep the plan on the right index: see _live_orders.
    v_ended := array(
        select coalesce(l.released_at, o.ended_at)
        from (values ('expired'::rowlock.order_status), ('cancelled'), ('refund_due'), ('refunded')) as k (ended_as)
        cross join lateral (
            select o.order_id, o.ended_at
            from rowlock.orders o
            where o.event_id = p_event_id and o.customer_id between p_customer_id and p_customer_id
                and o.ended_as between k.ended_as and k.ended_as and not o.is_live
            order by o.customer_id desc, o.ended_as desc, o.order_id desc
            limit p_unpaid_orders_max
        ) o
        left join lateral (
            select l.released_at
            from rowlock.late_orders l
            where k.ended_as >= 'refund_due' and l.event_id = p_event_id and l.order_id = o.order_id
            limit 1
        ) l on true
    );
    select max(e.ended_at) into v_last from unnest(v_ended) as e (ended_at);
    select count(*) into v_unpaid
    from unnest(v_ended) as e (ended_at)
    where e.ended_at > greatest(v_last - p_unpaid_window_ms * interval '1 millisecond', p_last_paid_at);
    if v_unpaid < p_unpaid_orders_max then
        return null;
    end if;
    return nullif(greatest(ceil(extract(epoch from v_last - clock_timestamp()) * 1000) + p_cooldown_ms, 0), 0)::integer;
end
$$;

comment on function rowlock._cooldown_left_ms(bigint, text, timestamptz, integer, integer, integer) is
    'How long a customer who has let too many orders end unpaid still has to wait; null: not at all.';
