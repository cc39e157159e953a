-- The schema as PostgreSQL 15 dumps it. Generated: `make schema` writes it anew.

CREATE SCHEMA admin;

COMMENT ON SCHEMA admin IS 'What operators read and run from psql.';

CREATE SCHEMA rowlock;

COMMENT ON SCHEMA rowlock IS 'Rowlock''s tables, and the functions that are the only way to change them.';

CREATE TYPE rowlock.claim_answer AS (
	request_no integer,
	outcome text,
	order_id uuid,
	order_status text,
	section_nos integer[],
	seat_nos integer[],
	amount_minor bigint,
	created_at timestamp with time zone,
	expires_at timestamp with time zone,
	taken_section_nos integer[],
	taken_seat_nos integer[]
);

COMMENT ON TYPE rowlock.claim_answer IS 'One claim request''s answer; see sql/README.md for its outcomes.';

CREATE TYPE rowlock.event_row AS (
	event_id bigint,
	name text,
	venue text,
	starts_at timestamp with time zone,
	on_sale_at timestamp with time zone,
	status text,
	window_ms integer,
	seats_per_customer integer,
	currency text,
	created_at timestamp with time zone,
	updated_at timestamp with time zone
);

COMMENT ON TYPE rowlock.event_row IS 'An event''s settings as the reading functions answer them.';

CREATE TYPE rowlock.event_status AS ENUM (
    'draft',
    'open',
    'paused',
    'closed'
);

COMMENT ON TYPE rowlock.event_status IS 'draft, then open; an open event can be paused and opened again; closed is final.';

CREATE TYPE rowlock.order_row AS (
	event_id bigint,
	order_id uuid,
	customer_id text,
	status text,
	section_nos integer[],
	seat_nos integer[],
	amount_minor bigint,
	currency text,
	created_at timestamp with time zone,
	expires_at timestamp with time zone,
	ended_at timestamp with time zone
);

COMMENT ON TYPE rowlock.order_row IS 'An order as the reading functions answer it.';

CREATE TYPE rowlock.order_status AS ENUM (
    'pending_payment',
    'paid',
    'expired',
    'cancelled',
    'refund_due',
    'refunded'
);

COMMENT ON TYPE rowlock.order_status IS 'pending_payment ends as paid, expired or cancelled; money without seats makes refund_due, then refunded.';

CREATE TYPE rowlock.payment_outcome AS ENUM (
    'paid',
    'late_reclaimed',
    'refund_due',
    'failed_recorded'
);

COMMENT ON TYPE rowlock.payment_outcome IS 'What became of a payment notice, recorded for ever.';

CREATE TYPE rowlock.payment_status AS ENUM (
    'succeeded',
    'failed'
);

COMMENT ON TYPE rowlock.payment_status IS 'What the gateway said of a payment.';

CREATE TYPE rowlock.seat_status AS ENUM (
    'available',
    'held',
    'sold',
    'blocked'
);

COMMENT ON TYPE rowlock.seat_status IS 'What a seat is: on sale, held by a pending order, sold with a ticket, or kept back by the box office.';

CREATE FUNCTION admin.block_seats(p_event_id bigint, p_seats text, p_reason text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    return rowlock._block_selected(p_event_id, p_seats, 'available', 'blocked', 'admin.block_seats', p_reason);
end
$$;

COMMENT ON FUNCTION admin.block_seats(p_event_id bigint, p_seats text, p_reason text) IS 'Keeps seats back from sale, all or none; answers how many changed. Written like this: A 1-20 35, B 5, C. For rowlock_admin.';

CREATE FUNCTION admin.change_event(p_event_id bigint, p_change jsonb, p_reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    perform rowlock._change_event(p_event_id, p_change, 'admin.change_event', rowlock._check_reason(p_reason));
end
$$;

COMMENT ON FUNCTION admin.change_event(p_event_id bigint, p_change jsonb, p_reason text) IS 'Changes settings of an event; orders already made keep their deadlines. For rowlock_admin.';

CREATE FUNCTION admin.change_window(p_event_id bigint, p_window_ms integer, p_reason text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
declare
    v_before_ms integer;
begin
    select e.window_ms into v_before_ms from rowlock.events e where e.event_id = p_event_id for no key update;
    perform rowlock._change_event(p_event_id, jsonb_build_object('window_ms', p_window_ms), 'admin.change_window',
        rowlock._check_reason(p_reason));
    return v_before_ms;
end
$$;

COMMENT ON FUNCTION admin.change_window(p_event_id bigint, p_window_ms integer, p_reason text) IS 'Changes an event''s payment window; answers what it was. Orders already made keep their deadlines. For rowlock_admin.';

CREATE FUNCTION admin.close_event(p_event_id bigint, p_reason text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    return rowlock._steer_event(p_event_id, 'closed', 'admin.close_event', rowlock._check_reason(p_reason));
end
$$;

COMMENT ON FUNCTION admin.close_event(p_event_id bigint, p_reason text) IS 'Closes an event for good; answers its status. For rowlock_admin.';

CREATE FUNCTION admin.create_api_key(p_name text, p_hash bytea, p_reason text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    return rowlock._create_api_key(p_name, p_hash, 'admin.create_api_key', rowlock._check_reason(p_reason));
end
$$;

COMMENT ON FUNCTION admin.create_api_key(p_name text, p_hash bytea, p_reason text) IS 'Records a new API key by its SHA-256; answers its id. For rowlock_admin.';

CREATE FUNCTION admin.create_event(p_event jsonb, p_reason text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    return rowlock._create_event(p_event, 'admin.create_event', rowlock._check_reason(p_reason));
end
$$;

COMMENT ON FUNCTION admin.create_event(p_event jsonb, p_reason text) IS 'Creates a draft event from JSON; answers its id. For rowlock_admin.';

CREATE FUNCTION admin.mark_refunded(p_event_id bigint, p_provider text, p_provider_reference text, p_reason text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
declare
    v_reason     constant text := rowlock._check_reason(p_reason);
    v_payment    rowlock.payments;
    v_refunded   rowlock.payments;
    v_status     rowlock.order_status;
    v_status_now rowlock.order_status;
begin
    select p.* into v_payment
    from rowlock.payments p
    where p.event_id = p_event_id and p.provider = p_provider and p.provider_reference = p_provider_reference;
    if not found then
        perform rowlock._invalid_input('provider_reference', format('"%s" of %s is no payment of event %s', p_provider_reference,
            coalesce(p_provider, 'no provider'), coalesce(p_event_id::text, 'without an id')));
    end if;
    -- A payment never moves to another order.
    select o.status into v_status
    from rowlock.orders o
    where o.event_id = p_event_id and o.order_id = v_payment.order_id
    for update;

    update rowlock.payments p
    set refunded_at = date_trunc('milliseconds', clock_timestamp())
    where p.event_id = p_event_id and p.provider = p_provider and p.provider_reference = p_provider_reference
        and p.outcome = 'refund_due' and p.refunded_at is null
    returning p.* into v_refunded;
    if not found then
        select p.* into v_payment
        from rowlock.payments p
        where p.event_id = p_event_id and p.provider = p_provider and p.provider_reference = p_provider_reference;
        perform rowlock._invalid_input('provider_reference', case
            when v_payment.refunded_at is not null then format('went back already, at %s', v_payment.refunded_at)
            else format('is not owed back: its outcome is %s', v_payment.outcome) end);
    end if;

    update rowlock.orders o
    set status = 'refunded'
    where o.event_id = p_event_id and o.order_id = v_payment.order_id and o.status = 'refund_due'
        and not exists (
            select
            from rowlock.payments p
            where p.event_id = p_event_id and p.order_id = v_payment.order_id and p.outcome = 'refund_due' and p.refunded_at is null
        );
    v_status_now := case when found then 'refunded' else v_status end;
    perform rowlock._log_action('admin.mark_refunded', p_event_id, v_payment.order_id, v_reason,
        jsonb_build_object('provider', p_provider, 'provider_reference', p_provider_reference),
        jsonb_build_object('order', v_status, 'refunded_at', null),
        jsonb_build_object('order', v_status_now, 'refunded_at', v_refunded.refunded_at, 'amount_minor', v_refunded.amount_minor,
            'currency', v_refunded.currency));
    return v_status_now::text;
end
$$;

COMMENT ON FUNCTION admin.mark_refunded(p_event_id bigint, p_provider text, p_provider_reference text, p_reason text) IS 'Notes that a payment that was owed back went back; answers what its order is now. For rowlock_admin.';

CREATE FUNCTION admin.open_event(p_event_id bigint, p_reason text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    return rowlock._steer_event(p_event_id, 'open', 'admin.open_event', rowlock._check_reason(p_reason));
end
$$;

COMMENT ON FUNCTION admin.open_event(p_event_id bigint, p_reason text) IS 'Opens an event for sale; answers its status. For rowlock_admin.';

CREATE FUNCTION admin.order_timeline(p_order_id uuid) RETURNS TABLE(at timestamp with time zone, what text, detail text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_order rowlock.orders;
begin
    -- One look along the key an event: a join could choose to read all orders.
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
            format('%s for %s, %s in minor units, to be paid by %s',
                rowlock._format_seats(v_order.event_id, v_order.section_nos, v_order.seat_nos), v_order.customer_id,
                v_order.amount_minor, v_order.expires_at) as detail
        union all
        select 4, l.released_at, l.released_as::text, 'seats on sale again'
        from rowlock.late_orders l
        where l.event_id = v_order.event_id and l.order_id = p_order_id
        union all
        select 4, v_order.ended_at, case when v_order.status = 'refunded' then 'refund_due' else v_order.status::text end,
            case
                when v_order.status = 'paid' then 'seats sold, tickets issued'
                when v_order.status in ('expired', 'cancelled') then 'seats on sale again'
                when exists (select from rowlock.late_orders l where l.event_id = v_order.event_id and l.order_id = p_order_id)
                    then 'the money came too late'
                else 'the money was not right; seats on sale again'
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

COMMENT ON FUNCTION admin.order_timeline(p_order_id uuid) IS 'What happened to an order, step by step. For rowlock_admin.';

CREATE FUNCTION admin.pause_event(p_event_id bigint, p_reason text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    return rowlock._steer_event(p_event_id, 'paused', 'admin.pause_event', rowlock._check_reason(p_reason));
end
$$;

COMMENT ON FUNCTION admin.pause_event(p_event_id bigint, p_reason text) IS 'Pauses an event''s sale; answers its status. For rowlock_admin.';

CREATE FUNCTION admin.redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    perform rowlock._redrive_dead_letter(p_event_id, p_order_id, 'admin.redrive_dead_letter', rowlock._check_reason(p_reason));
end
$$;

COMMENT ON FUNCTION admin.redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_reason text) IS 'Lets a given-up expiry be tried again at once. For rowlock_admin.';

CREATE FUNCTION admin.release_order(p_event_id bigint, p_order_id uuid, p_reason text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
declare
    v_reason constant text := rowlock._check_reason(p_reason);
    v_order  rowlock.orders;
    v_seats  text;
begin
    select o.* into v_order from rowlock.orders o where o.event_id = p_event_id and o.order_id = p_order_id for update;
    if not found then
        raise exception using errcode = 'RL004', message = 'order_not_found',
            detail = format('there is no order %s of event %s', p_order_id, p_event_id);
    end if;
    -- A customer may cancel twice; whoever releases an order should learn that it had ended.
    if v_order.status <> 'pending_payment' then
        raise exception using errcode = 'RL006', message = 'order_not_pending',
            detail = format('order %s is %s', p_order_id, v_order.status);
    end if;
    v_seats := rowlock._format_seats(p_event_id, v_order.section_nos, v_order.seat_nos);
    perform rowlock.cancel_order(p_event_id, p_order_id, v_order.customer_id);
    delete from rowlock.expiry_failures f where f.event_id = p_event_id and f.order_id = p_order_id;
    perform rowlock._log_action('admin.release_order', p_event_id, p_order_id, v_reason, '{}',
        jsonb_build_object('status', v_order.status, 'held', v_seats), jsonb_build_object('status', 'cancelled', 'available', v_seats));
    return cardinality(v_order.seat_nos);
end
$$;

COMMENT ON FUNCTION admin.release_order(p_event_id bigint, p_order_id uuid, p_reason text) IS 'Ends a pending order as cancelled and puts its seats on sale again; answers how many. For rowlock_admin.';

CREATE FUNCTION admin.revoke_api_key(p_api_key_id bigint, p_reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    perform rowlock._revoke_api_key(p_api_key_id, 'admin.revoke_api_key', rowlock._check_reason(p_reason));
end
$$;

COMMENT ON FUNCTION admin.revoke_api_key(p_api_key_id bigint, p_reason text) IS 'Makes an API key stop working for good. For rowlock_admin.';

CREATE FUNCTION admin.sale_export(p_event_id bigint) RETURNS TABLE(section text, row_label text, seat integer, price_minor bigint, currency text, order_id uuid, customer_id text, ordered_at timestamp with time zone, paid_at timestamp with time zone, provider text, provider_reference text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
#variable_conflict use_column
begin
    if not exists (select from rowlock.events e where e.event_id = p_event_id) then
        perform rowlock._event_not_found(p_event_id);
    end if;
    return query
    select s.code, r.label, t.seat_no, s.price_minor, e.currency, t.order_id, o.customer_id, o.created_at, t.issued_at, p.provider,
        p.provider_reference
    from rowlock.tickets t
    join rowlock.events e on e.event_id = t.event_id
    join rowlock.sections s on s.event_id = t.event_id and s.section_no = t.section_no
    join rowlock.section_rows r on r.event_id = t.event_id and r.section_no = t.section_no
        and t.seat_no between r.first_seat and r.last_seat
    join rowlock.orders o on o.event_id = t.event_id and o.order_id = t.order_id
    left join rowlock.payments p on p.event_id = t.event_id and p.order_id = t.order_id and p.outcome in ('paid', 'late_reclaimed')
    where t.event_id = p_event_id
    order by t.section_no, t.seat_no;
end
$$;

COMMENT ON FUNCTION admin.sale_export(p_event_id bigint) IS 'What was sold of an event, a row a seat, with buyers and payments. For rowlock_admin.';

CREATE FUNCTION admin.seat_history(p_event_id bigint, p_section text, p_seat_no integer) RETURNS TABLE(from_at timestamp with time zone, until_at timestamp with time zone, seat_was text, order_id uuid, who text, why_it_ended text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_section constant rowlock.sections := rowlock._section_of(p_event_id, p_section);
begin
    if (p_seat_no between 1 and v_section.capacity) is not true then
        raise exception using errcode = 'RL003', message = 'seat_not_found',
            detail = format('section %s has seats 1 to %s, not %s', v_section.code, v_section.capacity, p_seat_no);
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
                when c.status in ('refund_due', 'refunded') then 'the wrong amount or currency was paid'
                else c.status::text
            end as why
        from claims c
        left join rowlock.admin_actions r on r.order_id = c.order_id and r.event_id = p_event_id and r.function = 'admin.release_order'
        union all
        select c.ended_at, null, 'sold', c.order_id, c.customer_id, 'not ended'
        from claims c
        where c.status = 'paid'
        union all
        select b.acted_at, b.until_at, 'blocked', null, b.login_role,
            concat_ws('; ', 'blocked: ' || coalesce(b.reason, 'through the API'), case when b.until_at is null then 'not ended'
                else format('unblocked by %s: %s', b.until_by, coalesce(b.until_why, 'through the API')) end)
        from (
            select b.*, lead(b.acted_at) over w as until_at, lead(b.login_role) over w as until_by, lead(b.reason) over w as until_why
            from blocks b
            window w as (order by b.action_id)
        ) b
        where b.is_block
    ) h
    order by h.from_at, h.until_at;
end
$$;

COMMENT ON FUNCTION admin.seat_history(p_event_id bigint, p_section text, p_seat_no integer) IS 'Who held a seat and who had it, when, and why it ended. For rowlock_admin.';

CREATE FUNCTION admin.unblock_seats(p_event_id bigint, p_seats text, p_reason text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    return rowlock._block_selected(p_event_id, p_seats, 'blocked', 'available', 'admin.unblock_seats', p_reason);
end
$$;

COMMENT ON FUNCTION admin.unblock_seats(p_event_id bigint, p_seats text, p_reason text) IS 'Puts blocked seats on sale again, all or none; answers how many changed. Written like this: A 1-20 35, B 5, C. For rowlock_admin.';

CREATE FUNCTION rowlock._admit_searches(p_limit integer, p_outcomes text[], p_answers uuid[], p_order_ids uuid[], p_fingerprints bytea[], p_customer_nos integer[], p_key_nos integer[], p_live_seats integer[], p_asked_section_nos integer[], p_quantities integer[], p_section_nos integer[], p_available integer[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_admitted boolean[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
declare
    v_none        integer[] := array_fill(0, array[cardinality(p_outcomes)]);
    v_key_winners integer[] := v_none;  -- at a key's first request: who made its order, -1 while that is open
    v_live        integer[] := v_none;  -- at a customer's first request: seats won by this batch
    v_live_open   integer[] := v_none;  -- ... and admitted in this round
    v_open        integer[] := array_fill(0, array[coalesce(cardinality(p_section_nos), 0)]);  -- seats admitted, by section
    v_customer    integer;
    v_key         integer;
    v_section     integer;
    v_quantity    integer;
    v_winner      integer;
begin
    o_outcomes := p_outcomes;
    o_answers := p_answers;
    o_admitted := array_fill(false, array[cardinality(p_outcomes)]);
    if array_position(p_outcomes, 'claimed') is not null then
        for v_request in 1 .. cardinality(p_outcomes) loop
            continue when o_outcomes[v_request] is distinct from 'claimed';
            v_section := array_position(p_section_nos, p_asked_section_nos[v_request]);
            p_available[v_section] := p_available[v_section] - p_quantities[v_request];
            v_customer := coalesce(p_customer_nos[v_request], v_request);
            v_live[v_customer] := v_live[v_customer] + p_quantities[v_request];
            v_key_winners[coalesce(p_key_nos[v_request], v_request)] := v_request;
        end loop;
    end if;

    for v_request in 1 .. cardinality(p_outcomes) loop
        continue when o_outcomes[v_request] is not null;
        v_customer := coalesce(p_customer_nos[v_request], v_request);
        v_key := coalesce(p_key_nos[v_request], v_request);
        v_section := array_position(p_section_nos, p_asked_section_nos[v_request]);
        v_quantity := p_quantities[v_request];
        v_winner := v_key_winners[v_key];
        if v_winner > 0 then
            if p_fingerprints[v_request] = p_fingerprints[v_winner] then
                o_outcomes[v_request] := 'replayed';
                o_answers[v_request] := p_order_ids[v_winner];
            else
                o_outcomes[v_request] := 'idempotency_key_reused';
            end if;
        elsif v_winner < 0 then
            null;  -- the key decides first, and whether its earlier request makes an order is known in the next round
        elsif p_live_seats[v_customer] + v_live[v_customer] + v_quantity > p_limit then
            o_outcomes[v_request] := 'customer_limit';
        elsif v_quantity > p_available[v_section] then
            o_outcomes[v_request] := 'sold_out';
        elsif p_live_seats[v_customer] + v_live[v_customer] + v_live_open[v_customer] + v_quantity <= p_limit
            and v_open[v_section] + v_quantity <= p_available[v_section]
        then
            o_admitted[v_request] := true;
            v_key_winners[v_key] := -1;
            v_live_open[v_customer] := v_live_open[v_customer] + v_quantity;
            v_open[v_section] := v_open[v_section] + v_quantity;
        end if;
    end loop;
end
$$;

COMMENT ON FUNCTION rowlock._admit_searches(p_limit integer, p_outcomes text[], p_answers uuid[], p_order_ids uuid[], p_fingerprints bytea[], p_customer_nos integer[], p_key_nos integer[], p_live_seats integer[], p_asked_section_nos integer[], p_quantities integer[], p_section_nos integer[], p_available integer[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_admitted boolean[]) IS 'One round of deciding best-available claims, up to the search.';

CREATE FUNCTION rowlock._assert_rows(p_actual bigint, p_expected bigint, p_what text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    if p_actual is distinct from p_expected then
        raise exception using
            errcode = 'RL010',
            message = 'inconsistent',
            detail = format('%s: %s rows where %s were expected', p_what, coalesce(p_actual, 0), p_expected),
            hint = 'Ask admin.invariant_violations what is wrong with the event.';
    end if;
end
$$;

COMMENT ON FUNCTION rowlock._assert_rows(p_actual bigint, p_expected bigint, p_what text) IS 'Raises RL010 unless both counts are the same. Private.';

CREATE FUNCTION rowlock._available_seats(p_event_id bigint, p_section_no integer, p_from_seat integer, p_limit integer, p_lost integer[]) RETURNS TABLE(row_no integer, seat_no integer)
    LANGUAGE sql STABLE
    AS $$
    select r.row_no, s.seat_no
      from rowlock.section_rows r
      cross join lateral (
            select s.seat_no
              from rowlock.seats s
             where s.event_id = p_event_id and s.section_no = p_section_no
               and s.seat_no between greatest(r.first_seat, p_from_seat) and r.last_seat
               and s.status = 'available' and s.seat_no <> all (p_lost)
             order by s.seat_no) s
     where r.event_id = p_event_id and r.section_no = p_section_no
       and r.first_seat >= (select coalesce(max(f.first_seat), 1)
                              from rowlock.section_rows f
                             where f.event_id = p_event_id and f.section_no = p_section_no and f.first_seat <= p_from_seat)
     order by r.first_seat, s.seat_no
     limit p_limit
$$;

COMMENT ON FUNCTION rowlock._available_seats(p_event_id bigint, p_section_no integer, p_from_seat integer, p_limit integer, p_lost integer[]) IS 'The available seats of a section, front to back, with their rows.';

CREATE FUNCTION rowlock._block_selected(p_event_id bigint, p_seats text, p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text, p_reason text) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    v_reason      constant text := rowlock._check_reason(p_reason);
    v_section_nos integer[];
    v_seat_nos    integer[];
    v_unfit       text;
begin
    select array_agg(w.section_no), array_agg(w.seat_no) into v_section_nos, v_seat_nos
      from (select distinct r.section_no, n.seat_no
              from rowlock._selected_seats(p_event_id, p_seats) r
              cross join lateral generate_series(r.first_seat, r.last_seat) as n(seat_no)) w;
    if v_seat_nos is null then
        perform rowlock._invalid_input('seats', 'must name seats, for example A 1-20 35, B 5');
    end if;

    perform rowlock._wait_for_seats(p_event_id, v_section_nos, v_seat_nos);
    select rowlock._format_seats(p_event_id, array_agg(s.section_no), array_agg(s.seat_no)) into v_unfit
      from rowlock.seats s
      join unnest(v_section_nos, v_seat_nos) as w(section_no, seat_no) on w.section_no = s.section_no and w.seat_no = s.seat_no
     where s.event_id = p_event_id and s.status in ('held', 'sold');
    if v_unfit <> '' then
        raise exception using errcode = 'RL009', message = 'seats_not_blockable', detail = v_unfit,
            hint = 'These seats are held or sold, and can be neither blocked nor unblocked; nothing was changed.';
    end if;
    return rowlock._change_blocked(p_event_id, v_section_nos, v_seat_nos, p_from, p_to, p_function, v_reason);
end
$$;

COMMENT ON FUNCTION rowlock._block_selected(p_event_id bigint, p_seats text, p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text, p_reason text) IS 'Blocks or unblocks the seats that an operator means, all or none. Private.';

CREATE FUNCTION rowlock._change_blocked(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text, p_reason text) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    v_section_nos integer[];
    v_seat_nos    integer[];
    v_seats       text;
    v_section     record;
    v_changed     integer := 0;
begin
    perform rowlock._wait_for_seats(p_event_id, p_section_nos, p_seat_nos);
    -- What will change: it is locked, and a new statement sees what became of it while the locks were waited for.
    select array_agg(s.section_no), array_agg(s.seat_no) into v_section_nos, v_seat_nos
      from rowlock.seats s
      join unnest(p_section_nos, p_seat_nos) as w(section_no, seat_no) on w.section_no = s.section_no and w.seat_no = s.seat_no
     where s.event_id = p_event_id and s.status = p_from;

    for v_section in
        select w.section_no, array_agg(w.seat_no) as seat_nos
          from unnest(p_section_nos, p_seat_nos) as w(section_no, seat_no)
         group by w.section_no
         order by w.section_no
    loop
        v_changed := v_changed + rowlock._set_seats_blocked(p_event_id, v_section.section_no, v_section.seat_nos, p_from, p_to);
    end loop;

    v_seats := rowlock._format_seats(p_event_id, v_section_nos, v_seat_nos);
    perform rowlock._log_action(p_function, p_event_id, null, p_reason,
        jsonb_build_object('seats', rowlock._format_seats(p_event_id, p_section_nos, p_seat_nos)),
        case when v_changed > 0 then jsonb_build_object(p_from, v_seats) else '{}' end,
        case when v_changed > 0 then jsonb_build_object(p_to, v_seats) else '{}' end);
    return v_changed;
end
$$;

COMMENT ON FUNCTION rowlock._change_blocked(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text, p_reason text) IS 'Moves listed seats between available and blocked, all or none, and writes down which. Private.';

CREATE FUNCTION rowlock._change_event(p_event_id bigint, p_change jsonb, p_function text, p_reason text) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    v_event  rowlock.events;
    v_before jsonb;
begin
    perform rowlock._json_object(p_change, 'event', array[
        'name', 'venue', 'starts_at', 'on_sale_at', 'window_ms', 'seats_per_customer'
    ]);
    select e.* into v_event from rowlock.events as e where e.event_id = p_event_id for no key update;
    if not found then
        perform rowlock._event_not_found(p_event_id);
    end if;
    v_before := to_jsonb(v_event);

    if p_change ? 'name' then
        v_event.name := rowlock._json_text(p_change -> 'name', 'name', 1, 200);
    end if;
    if p_change ? 'venue' then
        v_event.venue := rowlock._json_text(p_change -> 'venue', 'venue', 0, 200);
    end if;
    if p_change ? 'starts_at' then
        v_event.starts_at := rowlock._json_time(p_change -> 'starts_at', 'starts_at');
    end if;
    if p_change ? 'on_sale_at' then
        v_event.on_sale_at := rowlock._json_time(p_change -> 'on_sale_at', 'on_sale_at');
    end if;
    if p_change ? 'window_ms' then
        v_event.window_ms := rowlock._json_integer(p_change -> 'window_ms', 'window_ms', 1000, 86400000);
    end if;
    if p_change ? 'seats_per_customer' then
        v_event.seats_per_customer := rowlock._json_integer(p_change -> 'seats_per_customer', 'seats_per_customer', 1, 1000);
    end if;

    update rowlock.events as e
    set name = v_event.name,
        venue = v_event.venue,
        starts_at = v_event.starts_at,
        on_sale_at = v_event.on_sale_at,
        window_ms = v_event.window_ms,
        seats_per_customer = v_event.seats_per_customer,
        updated_at = date_trunc('milliseconds', clock_timestamp())
    where e.event_id = p_event_id;
    perform rowlock._log_action(p_function, p_event_id, null, p_reason, p_change,
        (select coalesce(jsonb_object_agg(k, v_before -> k), '{}') from jsonb_object_keys(p_change) as k),
        (select coalesce(jsonb_object_agg(k, to_jsonb(v_event) -> k), '{}') from jsonb_object_keys(p_change) as k));
end
$$;

COMMENT ON FUNCTION rowlock._change_event(p_event_id bigint, p_change jsonb, p_function text, p_reason text) IS 'Changes settings of an event and writes it down. Private.';

CREATE FUNCTION rowlock._check_claims(p_event_id bigint, p_limit integer, p_is_on_sale boolean, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_key_nos integer[], p_quantities integer[], p_faults text[], OUT o_live_seats integer[], OUT o_outcomes text[], OUT o_answers uuid[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
begin
    select array_agg(c.live_seats), array_agg(c.outcome), array_agg(case when c.outcome = 'replayed' then c.order_id end)
      into o_live_seats, o_outcomes, o_answers
      from (select l.live_seats, coalesce(l.order_id, e.order_id, i.order_id) as order_id,
                   case when l.is_same or e.fingerprint = r.fingerprint or i.order_id is not null then 'replayed'
                        when l.order_id is not null or e.order_id is not null then 'idempotency_key_reused'
                        when p_is_on_sale is null then 'event_not_found'
                        when not p_is_on_sale then 'not_on_sale'
                        when (r.quantity between 1 and 100) is not true then 'too_many_seats'
                        when r.fault is not null then r.fault
                        -- Behind a request of the same key the key decides first.
                        when coalesce(r.key_no, r.request_no) = r.request_no and l.live_seats + r.quantity > p_limit
                            then 'customer_limit' end as outcome
              from unnest(p_order_ids, p_customer_ids, p_idempotency_keys, p_fingerprints, p_key_nos, p_quantities, p_faults)
                   with ordinality as r(order_id, customer_id, idempotency_key, fingerprint, key_no, quantity, fault, request_no)
              -- Every index begins with the event, and over a table that is still tiny all of them cost the same, in a plan that is kept
              -- while the table grows. Only the right one needs no sort for the order asked for here; with "=" the planner would drop
              -- that order.
              cross join lateral (
                    select coalesce(sum(cardinality(o.seat_nos)), 0)::integer as live_seats,
                           (array_agg(o.order_id) filter (where o.idempotency_key = r.idempotency_key))[1] as order_id,
                           bool_or(o.fingerprint = r.fingerprint) filter (where o.idempotency_key = r.idempotency_key) as is_same
                      from (select o.seat_nos, o.order_id, o.idempotency_key, o.fingerprint
                              from rowlock.orders o
                             where o.event_id = p_event_id and o.customer_id between r.customer_id and r.customer_id and o.is_live
                             order by o.customer_id) o) l
              left join lateral (
                    select o.order_id, o.fingerprint
                      from rowlock.orders o
                     where o.event_id = p_event_id and o.customer_id = r.customer_id
                       and o.idempotency_key between r.idempotency_key and r.idempotency_key and not o.is_live
                     order by o.idempotency_key
                     limit 1) e on true
              left join lateral (
                    select o.order_id, o.customer_id
                      from rowlock.orders o
                     where r.idempotency_key is null and o.event_id = p_event_id and o.order_id between r.order_id and r.order_id
                     order by o.order_id
                     limit 1) i on i.customer_id = r.customer_id
             order by r.request_no) c;
end
$$;

COMMENT ON FUNCTION rowlock._check_claims(p_event_id bigint, p_limit integer, p_is_on_sale boolean, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_key_nos integer[], p_quantities integer[], p_faults text[], OUT o_live_seats integer[], OUT o_outcomes text[], OUT o_answers uuid[]) IS 'What can be told of each claim of a batch before any seat is looked at. Private.';

CREATE FUNCTION rowlock._check_notices(p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    if num_nulls(p_order_ids, p_providers, p_provider_references, p_amounts_minor, p_currencies, p_succeeded) > 0
        or cardinality(p_order_ids) <> any (array[cardinality(p_providers), cardinality(p_provider_references),
            cardinality(p_amounts_minor), cardinality(p_currencies), cardinality(p_succeeded)])
    then
        perform rowlock._invalid_input('notices', 'the arrays must have one element a notice');
    end if;
    if array_position(p_order_ids, null) is not null or array_position(p_providers, null) is not null
        or array_position(p_provider_references, null) is not null or array_position(p_amounts_minor, null) is not null
        or array_position(p_currencies, null) is not null or array_position(p_succeeded, null) is not null
    then
        perform rowlock._invalid_input('notices', 'must not hold a null');
    end if;
end
$$;

COMMENT ON FUNCTION rowlock._check_notices(p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[]) IS 'Raises RL007 unless the arrays describe a batch of payment notices. Private.';

CREATE FUNCTION rowlock._check_reason(p_reason text) RETURNS text
    LANGUAGE plpgsql
    AS $$
declare
    v_blanks constant text := E' \t\n\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d'
        || E'\u2028\u2029\u202f\u205f\u2060\u3000\ufeff';
    v_reason constant text := btrim(coalesce(p_reason, ''), v_blanks);
begin
    if v_reason = '' then
        perform rowlock._invalid_input('reason', 'must say why, for whoever reads the action log');
    end if;
    return rowlock._json_text(to_jsonb(v_reason), 'reason', 1, 500);
end
$$;

COMMENT ON FUNCTION rowlock._check_reason(p_reason text) IS 'Reads the reason of a change made from psql; refuses a blank one. Private.';

CREATE FUNCTION rowlock._claim_answers(p_event_id bigint, p_outcomes text[], p_order_ids uuid[], p_answers uuid[], p_firsts integer[], p_quantities integer[], p_amounts bigint[], p_section_nos integer[], p_seat_nos integer[], p_blamed boolean[], p_created_at timestamp with time zone, p_expires_at timestamp with time zone) RETURNS SETOF rowlock.claim_answer
    LANGUAGE sql STABLE
    AS $$
    select r.request_no::integer, r.outcome, case when c.is_claimed then r.order_id else o.order_id end,
           case when c.is_claimed then 'pending_payment' else o.status::text end,
           case when c.is_claimed then p_section_nos[r.first_no : r.first_no + r.quantity - 1] else o.section_nos end,
           case when c.is_claimed then p_seat_nos[r.first_no : r.first_no + r.quantity - 1] else o.seat_nos end,
           case when c.is_claimed then r.amount_minor else o.amount_minor end,
           case when c.is_claimed then p_created_at else o.created_at end,
           case when c.is_claimed then p_expires_at else o.expires_at end,
           case when c.names_seats then array(
               select p_section_nos[s.no] from generate_series(r.first_no, r.first_no + r.quantity - 1) as s(no) where p_blamed[s.no]) end,
           case when c.names_seats then array(
               select p_seat_nos[s.no] from generate_series(r.first_no, r.first_no + r.quantity - 1) as s(no) where p_blamed[s.no]) end
      from unnest(p_outcomes, p_order_ids, p_answers, p_firsts, p_quantities, p_amounts)
           with ordinality as r(outcome, order_id, answer, first_no, quantity, amount_minor, request_no)
     cross join lateral (select r.outcome = 'claimed' as is_claimed, r.outcome in ('seat_taken', 'seat_not_found') as names_seats) c
      -- The limit makes it one look-up a request in every plan, and the order, with "between" instead of "=", one in the primary key:
      -- when a sale begins, the statistics still describe an empty table.
      left join lateral (
            select o.*
              from rowlock.orders o
             where r.outcome = 'replayed' and o.event_id = p_event_id and o.order_id between r.answer and r.answer
             order by o.order_id
             limit 1) o on true
$$;

COMMENT ON FUNCTION rowlock._claim_answers(p_event_id bigint, p_outcomes text[], p_order_ids uuid[], p_answers uuid[], p_firsts integer[], p_quantities integer[], p_amounts bigint[], p_section_nos integer[], p_seat_nos integer[], p_blamed boolean[], p_created_at timestamp with time zone, p_expires_at timestamp with time zone) IS 'The answers to a batch of claims.';

CREATE FUNCTION rowlock._create_api_key(p_name text, p_hash bytea, p_function text, p_reason text) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
declare
    v_api_key_id bigint;
begin
    if p_hash is null or octet_length(p_hash) <> 32 then
        perform rowlock._invalid_input('hash', 'must be the 32 bytes of a SHA-256');
    end if;
    insert into rowlock.api_keys (name, hash, created_at)
    values (rowlock._json_text(to_jsonb(p_name), 'name', 1, 200), p_hash, date_trunc('milliseconds', clock_timestamp()))
    on conflict (hash) do nothing
    returning api_key_id into v_api_key_id;
    if not found then
        perform rowlock._invalid_input('hash', 'is the hash of an earlier key');
    end if;
    perform rowlock._log_action(p_function, null, null, p_reason, jsonb_build_object('name', p_name), '{}',
        jsonb_build_object('api_key_id', v_api_key_id));
    return v_api_key_id;
end
$$;

COMMENT ON FUNCTION rowlock._create_api_key(p_name text, p_hash bytea, p_function text, p_reason text) IS 'Records a new API key by its SHA-256; answers its id. Private.';

CREATE FUNCTION rowlock._create_event(p_event jsonb, p_function text, p_reason text) RETURNS bigint
    LANGUAGE plpgsql
    AS $_$
declare
    v_event    jsonb;
    v_event_id bigint;
    v_sections jsonb := p_event -> 'sections';
    v_currency text;
    v_seats    integer := 0;
    v_now      timestamptz := date_trunc('milliseconds', clock_timestamp());
begin
    perform rowlock._json_object(p_event, 'event', array[
        'name', 'venue', 'starts_at', 'on_sale_at', 'window_ms', 'seats_per_customer', 'currency', 'sections'
    ]);
    v_currency := rowlock._json_text(p_event -> 'currency', 'currency', 3, 3);
    if v_currency !~ '^[A-Z]{3}$' then
        perform rowlock._invalid_input('currency', 'must be an ISO 4217 code, for example TWD');
    end if;
    if jsonb_typeof(v_sections) is distinct from 'array' or jsonb_array_length(v_sections) not between 1 and 500 then
        perform rowlock._invalid_input('sections', 'must be a list of 1 to 500 sections');
    end if;

    v_event := '{"venue": "", "window_ms": 10000, "seats_per_customer": 10}' || jsonb_strip_nulls(p_event - 'sections');
    insert into rowlock.events (name, venue, starts_at, on_sale_at, window_ms, seats_per_customer, currency, created_at, updated_at)
    values (
        rowlock._json_text(v_event -> 'name', 'name', 1, 200),
        rowlock._json_text(v_event -> 'venue', 'venue', 0, 200),
        rowlock._json_time(v_event -> 'starts_at', 'starts_at'),
        rowlock._json_time(v_event -> 'on_sale_at', 'on_sale_at'),
        rowlock._json_integer(v_event -> 'window_ms', 'window_ms', 1000, 86400000),
        rowlock._json_integer(v_event -> 'seats_per_customer', 'seats_per_customer', 1, 1000),
        v_currency, v_now, v_now
    )
    returning event_id into v_event_id;

    for v_index in 0 .. jsonb_array_length(v_sections) - 1 loop
        v_seats := v_seats
            + rowlock._create_section(v_event_id, v_index + 1, v_sections -> v_index, format('sections[%s]', v_index));
    end loop;
    if v_seats > 1000000 then
        perform rowlock._invalid_input('sections', 'must have at most 1000000 seats together');
    end if;

    insert into rowlock.seats (event_id, section_no, seat_no)
    select s.event_id, s.section_no, n.seat_no
    from rowlock.sections as s
    cross join lateral generate_series(1, s.capacity) as n (seat_no)
    where s.event_id = v_event_id
    order by s.section_no, n.seat_no;
    perform rowlock._log_action(p_function, v_event_id, null, p_reason, jsonb_build_object('name', v_event -> 'name'), '{}',
        v_event || jsonb_build_object('status', 'draft', 'sections', jsonb_array_length(v_sections), 'seats', v_seats));
    return v_event_id;
end
$_$;

COMMENT ON FUNCTION rowlock._create_event(p_event jsonb, p_function text, p_reason text) IS 'Creates a draft event with its sections, rows and seats, and writes it down; answers its id. Private.';

CREATE FUNCTION rowlock._create_rows(p_event_id bigint, p_section_no integer, p_rows jsonb, p_path text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    insert into rowlock.section_rows (event_id, section_no, row_no, label, first_seat, last_seat)
    select
        p_event_id,
        p_section_no,
        r.no,
        rowlock._json_text(r.value -> 'label', format('%s[%s].label', p_path, r.no - 1), 1, 20),
        sum(s.seats) over up_to_here - s.seats + 1,
        sum(s.seats) over up_to_here
    from jsonb_array_elements(p_rows) with ordinality as r (value, no)
    cross join lateral (select (r.value -> 'seats')::integer as seats) as s
    window up_to_here as (order by r.no);
end
$$;

COMMENT ON FUNCTION rowlock._create_rows(p_event_id bigint, p_section_no integer, p_rows jsonb, p_path text) IS 'Creates the rows of a section from a checked JSON list.';

CREATE FUNCTION rowlock._create_section(p_event_id bigint, p_section_no integer, p_section jsonb, p_path text) RETURNS integer
    LANGUAGE plpgsql
    AS $_$
declare
    v_code     text;
    v_capacity bigint;
begin
    perform rowlock._json_object(p_section, p_path, array['code', 'name', 'price_minor', 'rows']);
    v_code := rowlock._json_text(p_section -> 'code', p_path || '.code', 1, 20);
    if v_code !~ '^[A-Za-z0-9_-]+$' then
        perform rowlock._invalid_input(p_path || '.code', 'must be made of the letters A-Z and a-z, digits, - and _');
    end if;
    if exists (select from rowlock.sections as s where s.event_id = p_event_id and s.code = v_code) then
        perform rowlock._invalid_input(p_path || '.code', 'is the code of an earlier section');
    end if;
    if jsonb_typeof(p_section -> 'rows') is distinct from 'array' or p_section -> 'rows' = '[]' then
        perform rowlock._invalid_input(p_path || '.rows', 'must be a list of at least one row');
    end if;

    perform rowlock._json_object(r.value, format('%s.rows[%s]', p_path, r.no - 1), array['label', 'seats'])
    from jsonb_array_elements(p_section -> 'rows') with ordinality as r (value, no);
    select sum(rowlock._json_integer(r.value -> 'seats', format('%s.rows[%s].seats', p_path, r.no - 1), 1, 1000000))::bigint
    into v_capacity
    from jsonb_array_elements(p_section -> 'rows') with ordinality as r (value, no);
    if v_capacity > 1000000 then
        perform rowlock._invalid_input(p_path || '.rows', 'must have at most 1000000 seats together');
    end if;

    insert into rowlock.sections (event_id, section_no, code, name, price_minor, capacity, available)
    values (
        p_event_id, p_section_no, v_code,
        rowlock._json_text(p_section -> 'name', p_path || '.name', 1, 200),
        rowlock._json_integer(p_section -> 'price_minor', p_path || '.price_minor', 0, 1000000000000),
        v_capacity, v_capacity
    );
    perform rowlock._create_rows(p_event_id, p_section_no, p_section -> 'rows', p_path || '.rows');
    return v_capacity::integer;
end
$_$;

COMMENT ON FUNCTION rowlock._create_section(p_event_id bigint, p_section_no integer, p_section jsonb, p_path text) IS 'Creates a section and its rows, and answers its capacity.';

CREATE FUNCTION rowlock._decide_seat_claims(p_limit integer, p_outcomes text[], p_answers uuid[], p_order_ids uuid[], p_fingerprints bytea[], p_customer_nos integer[], p_key_nos integer[], p_live_seats integer[], p_firsts integer[], p_quantities integer[], p_missing boolean[], p_first_nos integer[], p_seat_rows tid[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_blamed boolean[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
declare
    v_key_winners integer[];  -- the request that made a key's order, at the key's first request
    v_is_won      boolean[];  -- at a seat's first naming
    v_customer    integer;
    v_key         integer;
    v_winner      integer;
    v_first       integer;
    v_last        integer;
begin
    o_outcomes := p_outcomes;
    o_answers := p_answers;
    o_blamed := array_fill(false, array[coalesce(cardinality(p_first_nos), 0)]);
    v_is_won := o_blamed;
    v_key_winners := array_fill(0, array[cardinality(p_outcomes)]);
    for v_request in 1 .. cardinality(p_outcomes) loop
        v_first := p_firsts[v_request];
        v_last := v_first + p_quantities[v_request] - 1;
        if o_outcomes[v_request] is not null then
            if o_outcomes[v_request] = 'seat_not_found' then
                for v_seat in v_first .. v_last loop
                    o_blamed[v_seat] := p_missing[v_seat] is true;
                end loop;
            end if;
            continue;
        end if;

        v_customer := coalesce(p_customer_nos[v_request], v_request);
        v_key := coalesce(p_key_nos[v_request], v_request);
        v_winner := v_key_winners[v_key];
        if v_winner > 0 then
            if p_fingerprints[v_request] = p_fingerprints[v_winner] then
                o_outcomes[v_request] := 'replayed';
                o_answers[v_request] := p_order_ids[v_winner];
            else
                o_outcomes[v_request] := 'idempotency_key_reused';
            end if;
            continue;
        end if;
        if p_live_seats[v_customer] + p_quantities[v_request] > p_limit then
            o_outcomes[v_request] := 'customer_limit';
            continue;
        end if;

        for v_seat in v_first .. v_last loop
            if p_seat_rows[v_seat] is null or v_is_won[p_first_nos[v_seat]] then
                o_blamed[v_seat] := true;
                o_outcomes[v_request] := 'seat_taken';
            end if;
        end loop;
        continue when o_outcomes[v_request] is not null;

        for v_seat in v_first .. v_last loop
            v_is_won[p_first_nos[v_seat]] := true;
        end loop;
        p_live_seats[v_customer] := p_live_seats[v_customer] + p_quantities[v_request];
        v_key_winners[v_key] := v_request;
        o_outcomes[v_request] := 'claimed';
    end loop;
end
$$;

COMMENT ON FUNCTION rowlock._decide_seat_claims(p_limit integer, p_outcomes text[], p_answers uuid[], p_order_ids uuid[], p_fingerprints bytea[], p_customer_nos integer[], p_key_nos integer[], p_live_seats integer[], p_firsts integer[], p_quantities integer[], p_missing boolean[], p_first_nos integer[], p_seat_rows tid[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_blamed boolean[]) IS 'Decides a batch''s claims of explicit seats, first come first served.';

CREATE FUNCTION rowlock._event_not_found(p_event_id bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    raise exception using
        errcode = 'RL001',
        message = 'event_not_found',
        detail = format('there is no event %s', coalesce(p_event_id::text, 'without an id'));
end
$$;

COMMENT ON FUNCTION rowlock._event_not_found(p_event_id bigint) IS 'Raises RL001.';

CREATE FUNCTION rowlock._find_nearest(p_event_id bigint, p_section_no integer, p_quantity integer, p_count integer, p_taken integer[]) RETURNS integer[]
    LANGUAGE plpgsql
    AS $$
declare
    v_seats     integer[];
    v_groups    integer[];  -- positions in v_seats where candidates begin, best first
    v_is_chosen boolean[];
    v_chosen    integer[] := '{}'::integer[];
begin
    with seats as materialized (
        select a.row_no, a.seat_no, row_number() over (order by a.seat_no)::integer as seat_order
          from rowlock._available_seats(p_event_id, p_section_no, 1, null, '{}') a
         where not exists (select from unnest(p_taken) as t(seat_no) where t.seat_no = a.seat_no)
    ), groups as (
        select s.seat_order, lead(s.row_no, p_quantity - 1) over w - s.row_no as rows_spanned,
               lead(s.seat_no, p_quantity - 1) over w - s.seat_no as spread
          from seats s
        window w as (order by s.seat_order)
    )
    select array(select s.seat_no from seats s order by s.seat_order),
           array(select g.seat_order
                   from groups g
                  where g.spread is not null
                  order by g.rows_spanned, g.spread, g.seat_order
                  limit p_count * (2 * p_quantity - 1))
      into v_seats, v_groups;

    v_is_chosen := array_fill(false, array[cardinality(v_seats)]);
    for v_index in 1 .. cardinality(v_groups) loop
        exit when cardinality(v_chosen) = p_count * p_quantity;
        continue when v_is_chosen[v_groups[v_index]] or v_is_chosen[v_groups[v_index] + p_quantity - 1];
        for v_seat in v_groups[v_index] .. v_groups[v_index] + p_quantity - 1 loop
            v_is_chosen[v_seat] := true;
            v_chosen := v_chosen || v_seats[v_seat];
        end loop;
    end loop;
    return v_chosen;
end
$$;

COMMENT ON FUNCTION rowlock._find_nearest(p_event_id bigint, p_section_no integer, p_quantity integer, p_count integer, p_taken integer[]) IS 'Chooses the seats of a section nearest together, for several requests of one quantity.';

CREATE FUNCTION rowlock._find_seats(p_event_id bigint, p_section_no integer, p_request_nos integer[], p_quantities integer[], p_hints integer[], p_lost integer[], OUT o_request_nos integer[], OUT o_seat_nos integer[], OUT o_from_seat integer) RETURNS record
    LANGUAGE plpgsql
    AS $$
declare
    v_from_seat integer;
    v_limit     integer;
    v_starts    integer[];
    v_wanted    record;
    v_seats     integer[];
begin
    select coalesce(max(h.from_seat), 1), max(q.seats) * 2 + 64
      into v_from_seat, v_limit
      from (select min(q.quantity) as smallest, sum(q.quantity)::integer as seats from unnest(p_quantities) as q(quantity)) q
      left join unnest(p_hints) with ordinality as h(from_seat, quantity) on h.quantity <= q.smallest;
    select f.o_starts, f.o_from_seat
      into v_starts, o_from_seat
      from rowlock._find_together(p_event_id, p_section_no, p_quantities, v_from_seat, v_limit, p_lost) f;
    if array_position(v_starts, null) is not null and v_from_seat < 2147483647 then
        select f.o_starts, f.o_from_seat
          into v_starts, o_from_seat
          from rowlock._find_together(p_event_id, p_section_no, p_quantities, 1, null, p_lost) f;
    end if;

    if 1 = all (p_quantities) and array_position(v_starts, null) is null then
        o_request_nos := p_request_nos;
        o_seat_nos := v_starts;
        return;
    end if;
    select coalesce(array_agg(r.request_no), '{}'), coalesce(array_agg(s.seat_no), '{}')
      into o_request_nos, o_seat_nos
      from unnest(p_request_nos, p_quantities, v_starts) as r(request_no, quantity, start)
      cross join lateral generate_series(r.start, r.start + r.quantity - 1) as s(seat_no);
    if array_position(v_starts, null) is null then
        return;
    end if;

    for v_wanted in
        select r.quantity, array_agg(r.request_no order by r.request_no) as request_nos
          from unnest(p_request_nos, p_quantities, v_starts) as r(request_no, quantity, start)
         where r.start is null
         group by r.quantity
         order by min(r.request_no)
    loop
        while cardinality(v_wanted.request_nos) > 0 loop
            v_seats := rowlock._find_nearest(p_event_id, p_section_no, v_wanted.quantity, cardinality(v_wanted.request_nos),
                                             o_seat_nos || p_lost);
            exit when cardinality(v_seats) = 0;
            o_seat_nos := o_seat_nos || v_seats;
            o_request_nos := o_request_nos || array(select v_wanted.request_nos[(s.seat_order - 1) / v_wanted.quantity + 1]
                                                      from generate_series(1, cardinality(v_seats)) as s(seat_order));
            v_wanted.request_nos := v_wanted.request_nos[cardinality(v_seats) / v_wanted.quantity + 1 :];
        end loop;
    end loop;
end
$$;

COMMENT ON FUNCTION rowlock._find_seats(p_event_id bigint, p_section_no integer, p_request_nos integer[], p_quantities integer[], p_hints integer[], p_lost integer[], OUT o_request_nos integer[], OUT o_seat_nos integer[], OUT o_from_seat integer) IS 'Chooses seats of one section for best-available requests: together in a row, else nearest together.';

CREATE FUNCTION rowlock._find_together(p_event_id bigint, p_section_no integer, p_quantities integer[], p_from_seat integer, p_limit integer, p_lost integer[], OUT o_starts integer[], OUT o_from_seat integer) RETURNS record
    LANGUAGE plpgsql
    AS $$
declare
    v_smallest integer := (select min(q.quantity) from unnest(p_quantities) as q(quantity));
    v_firsts   integer[];
    v_lengths  integer[];
    v_last     integer;
    v_seen     integer;
    v_pointers integer[] := array_fill(1, array[100]);
    v_run      integer;
begin
    if 1 = all (p_quantities) then
        select array_agg(a.seat_no)
          into v_firsts
          from rowlock._available_seats(p_event_id, p_section_no, p_from_seat, cardinality(p_quantities) + 1, p_lost) a;
        o_starts := v_firsts[: cardinality(p_quantities)];
        o_starts[cardinality(p_quantities)] := v_firsts[cardinality(p_quantities)];  -- as many as requests, null where none is left
        o_from_seat := coalesce(v_firsts[cardinality(p_quantities) + 1], 2147483647);
        return;
    end if;

    select coalesce(array_agg(r.first_seat order by r.first_seat) filter (where r.seats >= v_smallest), '{}'),
           coalesce(array_agg(r.seats order by r.first_seat) filter (where r.seats >= v_smallest), '{}'),
           max(r.last_seat), coalesce(sum(r.seats), 0)
      into v_firsts, v_lengths, v_last, v_seen
      from (select min(a.seat_no) as first_seat, max(a.seat_no) as last_seat, count(*)::integer as seats
              from (select a.row_no, a.seat_no, a.seat_no - row_number() over (order by a.seat_no) as island
                      from rowlock._available_seats(p_event_id, p_section_no, p_from_seat, p_limit, p_lost) a) a
             group by a.row_no, a.island) r;

    for v_request in 1 .. cardinality(p_quantities) loop
        v_run := v_pointers[p_quantities[v_request]];
        while v_lengths[v_run] < p_quantities[v_request] loop
            v_run := v_run + 1;
        end loop;
        v_pointers[p_quantities[v_request]] := v_run;
        o_starts[v_request] := v_firsts[v_run];
        continue when v_firsts[v_run] is null;
        v_firsts[v_run] := v_firsts[v_run] + p_quantities[v_request];
        v_lengths[v_run] := v_lengths[v_run] - p_quantities[v_request];
    end loop;

    v_run := v_pointers[v_smallest];
    while v_lengths[v_run] < v_smallest loop
        v_run := v_run + 1;
    end loop;
    -- Without a run left, one may still begin among the last seats seen and go on behind them.
    o_from_seat := coalesce(v_firsts[v_run], case when v_seen = p_limit then v_last - v_smallest + 2 end, 2147483647);
end
$$;

COMMENT ON FUNCTION rowlock._find_together(p_event_id bigint, p_section_no integer, p_quantities integer[], p_from_seat integer, p_limit integer, p_lost integer[], OUT o_starts integer[], OUT o_from_seat integer) IS 'Chooses seats together, front-most first, for several requests of one section.';

CREATE FUNCTION rowlock._format_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[]) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return (
        select coalesce(string_agg(s.code || ' ' || l.ranges, ', ' order by l.section_no), '')
          from (select r.section_no, string_agg(case when r.first_seat = r.last_seat then r.first_seat::text
                                                     else r.first_seat || '-' || r.last_seat end, ' ' order by r.first_seat) as ranges
                  from (select i.section_no, min(i.seat_no) as first_seat, max(i.seat_no) as last_seat
                          -- Numbers in a row differ from their rank by the same.
                          from (select w.section_no, w.seat_no,
                                       w.seat_no - row_number() over (partition by w.section_no order by w.seat_no) as island
                                  from (select distinct u.section_no, u.seat_no
                                          from unnest(p_section_nos, p_seat_nos) as u(section_no, seat_no)) w) i
                         group by i.section_no, i.island) r
                 group by r.section_no) l
          join rowlock.sections s on s.event_id = p_event_id and s.section_no = l.section_no);
end
$$;

COMMENT ON FUNCTION rowlock._format_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[]) IS 'Writes a list of seats as people do: A 1-20 35, B 5. Private.';

CREATE FUNCTION rowlock._invalid_input(p_path text, p_problem text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    raise exception using
        errcode = 'RL007',
        message = 'invalid_input',
        detail = p_path || ': ' || p_problem;
end
$$;

COMMENT ON FUNCTION rowlock._invalid_input(p_path text, p_problem text) IS 'Raises RL007 with a detail that names the field.';

CREATE FUNCTION rowlock._json_integer(p_value jsonb, p_path text, p_min bigint, p_max bigint) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE
    AS $$
declare
    v_number numeric;
begin
    if jsonb_typeof(p_value) = 'number' then
        v_number := p_value::numeric;
    end if;
    -- The range comes first: a number with thousands of digits is never rounded or cast.
    if v_number is null or v_number not between p_min and p_max or v_number <> trunc(v_number) then
        perform rowlock._invalid_input(p_path, format('must be a whole number from %s to %s', p_min, p_max));
    end if;
    return v_number::bigint;
end
$$;

COMMENT ON FUNCTION rowlock._json_integer(p_value jsonb, p_path text, p_min bigint, p_max bigint) IS 'Reads a whole number within bounds from a JSON value.';

CREATE FUNCTION rowlock._json_object(p_value jsonb, p_path text, p_known text[]) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    AS $$
declare
    v_unknown text;
begin
    if p_value is null or jsonb_typeof(p_value) <> 'object' then
        perform rowlock._invalid_input(p_path, 'must be an object');
    end if;
    if p_value - p_known <> '{}' then
        select min(k) into v_unknown from jsonb_object_keys(p_value - p_known) as k;
        perform rowlock._invalid_input(p_path, format('has an unknown field "%s"', left(v_unknown, 50)));
    end if;
end
$$;

COMMENT ON FUNCTION rowlock._json_object(p_value jsonb, p_path text, p_known text[]) IS 'Checks that a value is an object with known fields only.';

CREATE FUNCTION rowlock._json_text(p_value jsonb, p_path text, p_min integer, p_max integer) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    AS $$
declare
    v_text text := p_value #>> '{}';
begin
    if p_value is null or jsonb_typeof(p_value) <> 'string' or char_length(v_text) not between p_min and p_max then
        perform rowlock._invalid_input(p_path, format('must be a text of %s to %s characters', p_min, p_max));
    end if;
    if v_text ~ '[\u0001-\u001f\u007f-\u009f]' then
        perform rowlock._invalid_input(p_path, 'must not contain control characters');
    end if;
    return v_text;
end
$$;

COMMENT ON FUNCTION rowlock._json_text(p_value jsonb, p_path text, p_min integer, p_max integer) IS 'Reads a text of a length within bounds from a JSON value.';

CREATE FUNCTION rowlock._json_time(p_value jsonb, p_path text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    v_time timestamptz;
begin
    if p_value is null or p_value = 'null' then
        return null;
    end if;
    if jsonb_typeof(p_value) = 'string'
        and p_value #>> '{}' ~* '^\d{4}-\d{2}-\d{2}t\d{2}:\d{2}:\d{2}(\.\d{1,9})?(z|[+-]\d{2}:\d{2})$'
    then
        begin
            v_time := date_trunc('milliseconds', (p_value #>> '{}')::timestamptz);
        exception
            when data_exception then null;
        end;
    end if;
    if v_time is null or v_time < '1970-01-01T00:00:00Z' or v_time >= '10000-01-01T00:00:00Z' then
        perform rowlock._invalid_input(p_path, 'must be an RFC 3339 time from 1970 to 9999, for example 2030-05-01T20:00:00Z');
    end if;
    return v_time;
end
$_$;

COMMENT ON FUNCTION rowlock._json_time(p_value jsonb, p_path text) IS 'Reads an RFC 3339 time from a JSON value; null stays null.';

CREATE FUNCTION rowlock._lock_available_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_is_wanted boolean[] DEFAULT '{}'::boolean[], OUT o_seat_rows tid[], OUT o_first_nos integer[], OUT o_are_all boolean) RETURNS record
    LANGUAGE plpgsql
    AS $$
begin
    select array_agg(l.seat_row), array_agg(l.first_no), bool_and(l.seat_row is not null and l.first_no = l.wanted_no)
      into o_seat_rows, o_first_nos, o_are_all
      from (select l.seat_row, w.first_no, w.wanted_no
              from (select w.section_no, w.seat_no, w.is_wanted is not false as is_wanted, w.wanted_no,
                           min(w.wanted_no) over (partition by w.section_no, w.seat_no)::integer as first_no
                      from unnest(p_section_nos, p_seat_nos, p_is_wanted)
                           with ordinality as w(section_no, seat_no, is_wanted, wanted_no)
                     order by w.section_no, w.seat_no) w
              left join lateral (
                    select s.ctid as seat_row
                      from rowlock.seats s
                     where w.is_wanted and s.event_id = p_event_id and s.section_no = w.section_no and s.seat_no = w.seat_no
                       and s.status = 'available'
                       for update skip locked) l on true
             order by w.wanted_no) l;
end
$$;

COMMENT ON FUNCTION rowlock._lock_available_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_is_wanted boolean[], OUT o_seat_rows tid[], OUT o_first_nos integer[], OUT o_are_all boolean) IS 'Locks available seats without waiting and answers where their rows lie.';

CREATE FUNCTION rowlock._lock_customer_keys(p_event_id bigint, p_customer_ids text[]) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    v_locks integer;
begin
    perform pg_advisory_xact_lock(1, k.lock_key)
      from (select distinct hashtext(p_event_id || ':' || c.customer_id) as lock_key
              from unnest(p_customer_ids) as c(customer_id)
             order by lock_key) k;
    get diagnostics v_locks = row_count;
    return v_locks;
end
$$;

COMMENT ON FUNCTION rowlock._lock_customer_keys(p_event_id bigint, p_customer_ids text[]) IS 'Takes the customers'' advisory locks for an event, sorted, until the transaction ends, and answers how many.';

CREATE FUNCTION rowlock._lock_section_searches(p_event_id bigint, p_section_nos integer[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    perform pg_advisory_xact_lock(2, k.lock_key)
      from (select distinct hashtext(p_event_id || ':' || s.section_no) as lock_key
              from unnest(p_section_nos) as s(section_no)
             order by lock_key) k;
end
$$;

COMMENT ON FUNCTION rowlock._lock_section_searches(p_event_id bigint, p_section_nos integer[]) IS 'Takes the sections'' advisory locks for best-available searches, sorted, until the transaction ends.';

CREATE FUNCTION rowlock._lock_settlement(p_event_id bigint, p_order_ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
begin
    -- "between" and the order keep to the primary key, as _check_claims explains.
    perform rowlock._lock_customer_keys(p_event_id, array(
        select o.customer_id
        from (select distinct i.order_id from unnest(p_order_ids) as i (order_id)) i
        cross join lateral (
            select o.customer_id
            from rowlock.orders o
            where o.event_id = p_event_id and o.order_id between i.order_id and i.order_id and o.status in ('expired', 'cancelled')
            order by o.order_id
            limit 1
        ) o
    ));

    perform
    from (
        select o.order_id, s.section_no, s.seat_no
        from (select distinct i.order_id from unnest(p_order_ids) as i (order_id)) i
        cross join lateral (
            select o.order_id, o.section_nos, o.seat_nos
            from rowlock.orders o
            where o.event_id = p_event_id and o.order_id between i.order_id and i.order_id and o.status = 'pending_payment'
            order by o.order_id
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
            where o.event_id = p_event_id and o.order_id between i.order_id and i.order_id
            order by o.order_id
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

COMMENT ON FUNCTION rowlock._lock_settlement(p_event_id bigint, p_order_ids uuid[]) IS 'Locks the customers of late orders, the seats of pending ones and the sections of all, in order. Private.';

CREATE FUNCTION rowlock._log_action(p_function text, p_event_id bigint, p_order_id uuid, p_reason text, p_arguments jsonb, p_before jsonb, p_after jsonb) RETURNS void
    LANGUAGE sql
    AS $$
    select set_config('idle_in_transaction_session_timeout', '2s', true);
    insert into rowlock.admin_actions (acted_at, login_role, function, event_id, order_id, reason, arguments, before, after)
    values (date_trunc('milliseconds', clock_timestamp()), session_user, p_function, p_event_id, p_order_id, p_reason, p_arguments,
            p_before, p_after)
$$;

COMMENT ON FUNCTION rowlock._log_action(p_function text, p_event_id bigint, p_order_id uuid, p_reason text, p_arguments jsonb, p_before jsonb, p_after jsonb) IS 'Writes down what an operator changed, and why. Private.';

CREATE FUNCTION rowlock._move_seat_counts(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    if coalesce(cardinality(p_seat_nos), 0) = 0 or p_from = p_to then
        return;
    end if;
    -- An update alone would lock in whatever order its plan visits the rows.
    perform
      from rowlock.sections s
     where s.event_id = p_event_id and s.section_no = any (p_section_nos)
     order by s.section_no
       for no key update;

    update rowlock.sections s
       set available = s.available + m.seats * ((p_to = 'available')::integer - (p_from = 'available')::integer),
           held = s.held + m.seats * ((p_to = 'held')::integer - (p_from = 'held')::integer),
           sold = s.sold + m.seats * ((p_to = 'sold')::integer - (p_from = 'sold')::integer),
           blocked = s.blocked + m.seats * ((p_to = 'blocked')::integer - (p_from = 'blocked')::integer),
           revision = s.revision + 1,
           releases = s.releases + (p_to = 'available')::integer,
           search_from = case when p_to <> 'available' then s.search_from else
               array(select least(h.from_seat, m.lowest_seat_no - h.quantity::integer + 1)
                       from unnest(s.search_from) with ordinality as h(from_seat, quantity)
                      order by h.quantity) end
      from (select w.section_no, count(*)::integer as seats, min(w.seat_no) as lowest_seat_no
              from unnest(p_section_nos, p_seat_nos) as w(section_no, seat_no)
             group by w.section_no) m
     where s.event_id = p_event_id and s.section_no = m.section_no;
end
$$;

COMMENT ON FUNCTION rowlock._move_seat_counts(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status) IS 'Moves the counts of seats that changed from one status to another, section by section.';

CREATE FUNCTION rowlock._number_customers(p_customer_ids text[], p_idempotency_keys text[], OUT o_customer_nos integer[], OUT o_key_nos integer[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
begin
    select array_agg(n.customer_no order by n.request_no), array_agg(n.key_no order by n.request_no)
      into o_customer_nos, o_key_nos
      from (select r.request_no, min(r.request_no) over (partition by r.customer_id)::integer as customer_no,
                   case when r.idempotency_key is null then r.request_no
                        else min(r.request_no) over (partition by r.customer_id, r.idempotency_key) end::integer as key_no
              from unnest(p_customer_ids, p_idempotency_keys) with ordinality as r(customer_id, idempotency_key, request_no)) n;
end
$$;

COMMENT ON FUNCTION rowlock._number_customers(p_customer_ids text[], p_idempotency_keys text[], OUT o_customer_nos integer[], OUT o_key_nos integer[]) IS 'Numbers the customers and idempotency keys of a batch of claims by their first requests. Private.';

CREATE FUNCTION rowlock._pay_orders(p_event_id bigint, p_order_rows tid[], p_from rowlock.seat_status, p_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    v_section_nos integer[];
    v_seat_nos    integer[];
    v_order_ids   uuid[];
    v_count       bigint;
begin
    with paid as (
        update rowlock.orders o
        set status = 'paid', ended_at = p_at
        where o.ctid = any (p_order_rows) and o.event_id = p_event_id
            and (o.status = 'pending_payment' or p_from = 'available' and o.status in ('expired', 'cancelled'))
        returning o.order_id, o.section_nos, o.seat_nos
    ), listed as (
        select p.order_id, s.section_no, s.seat_no, s.place
        from paid p
        cross join unnest(p.section_nos, p.seat_nos) with ordinality as s (section_no, seat_no, place)
        order by s.section_no, s.seat_no
    )
    select array_agg(l.section_no), array_agg(l.seat_no), array_agg(l.order_id), count(*) filter (where l.place = 1)
    into v_section_nos, v_seat_nos, v_order_ids, v_count
    from listed l;
    perform rowlock._assert_rows(v_count, cardinality(p_order_rows), 'orders that can be paid');

    with sold as (
        update rowlock.seats s
        set status = 'sold', order_id = w.order_id
        from unnest(v_section_nos, v_seat_nos, v_order_ids) as w (section_no, seat_no, order_id)
        where s.event_id = p_event_id and s.section_no = w.section_no and s.seat_no = w.seat_no
            and s.status = p_from and (s.order_id = w.order_id or p_from = 'available')
        returning s.section_no, s.seat_no, s.order_id
    )
    insert into rowlock.tickets (event_id, section_no, seat_no, order_id, issued_at)
    select p_event_id, s.section_no, s.seat_no, s.order_id, p_at
    from sold s;
    get diagnostics v_count = row_count;
    perform rowlock._assert_rows(v_count, cardinality(v_seat_nos), 'tickets of paid seats');

    perform rowlock._move_seat_counts(p_event_id, v_section_nos, v_seat_nos, p_from, 'sold');
end
$$;

COMMENT ON FUNCTION rowlock._pay_orders(p_event_id bigint, p_order_rows tid[], p_from rowlock.seat_status, p_at timestamp with time zone) IS 'Makes orders paid and their seats sold, with a ticket each. Private.';

CREATE FUNCTION rowlock._place_orders(p_event_id bigint, p_window_ms integer, p_outcomes text[], p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_firsts integer[], p_quantities integer[], p_amounts bigint[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], p_seat_rows tid[], p_won integer, OUT o_created_at timestamp with time zone, OUT o_expires_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql
    AS $$
declare
    v_held integer;
begin
    o_created_at := date_trunc('milliseconds', clock_timestamp());
    o_expires_at := o_created_at + p_window_ms * interval '1 millisecond';

    update rowlock.seats s
       set status = 'held', order_id = p_order_ids[w.request_no], filler = null
      from unnest(p_request_nos, p_seat_rows) as w(request_no, seat_row)
     where p_outcomes[w.request_no] = 'claimed' and s.ctid = w.seat_row and s.status = 'available';
    get diagnostics v_held = row_count;
    perform rowlock._assert_rows(v_held, p_won, 'claimed seats');

    insert into rowlock.orders (event_id, order_id, customer_id, section_nos, seat_nos, amount_minor, created_at, expires_at,
                                idempotency_key, fingerprint)
    select p_event_id, r.order_id, r.customer_id, p_section_nos[r.first_no : r.first_no + r.quantity - 1],
           p_seat_nos[r.first_no : r.first_no + r.quantity - 1], r.amount_minor, o_created_at, o_expires_at, r.idempotency_key,
           case when r.idempotency_key is not null then r.fingerprint end
      from unnest(p_outcomes, p_order_ids, p_customer_ids, p_idempotency_keys, p_fingerprints, p_firsts, p_quantities, p_amounts)
           as r(outcome, order_id, customer_id, idempotency_key, fingerprint, first_no, quantity, amount_minor)
     where r.outcome = 'claimed';

    insert into rowlock.deadlines (event_id, expires_at, first_order_id, order_ids)
    select p_event_id, o_expires_at, p.order_ids[1], p.order_ids
      from (select array_agg(r.order_id order by r.order_id) as order_ids
              from unnest(p_outcomes, p_order_ids) as r(outcome, order_id)
             where r.outcome = 'claimed') p;
end
$$;

COMMENT ON FUNCTION rowlock._place_orders(p_event_id bigint, p_window_ms integer, p_outcomes text[], p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_firsts integer[], p_quantities integer[], p_amounts bigint[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], p_seat_rows tid[], p_won integer, OUT o_created_at timestamp with time zone, OUT o_expires_at timestamp with time zone) IS 'Holds the seats of a batch''s winners and creates their orders.';

CREATE FUNCTION rowlock._read_wanted_seats(p_event_id bigint, p_requests integer, p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], OUT o_firsts integer[], OUT o_quantities integer[], OUT o_amounts bigint[], OUT o_faults text[], OUT o_missing boolean[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
declare
    v_section    record;
    v_prices     bigint[];   -- by section_no
    v_capacities integer[];  -- by section_no
    v_first      integer;
    v_seat       integer := 1;
    v_amount     bigint;
    v_named      integer[];  -- numbers that the request has named so far
    v_is_twice   boolean := false;  -- whether the request names a seat twice
begin
    for v_section in
        select s.section_no, s.price_minor, s.capacity
          from rowlock.sections s
         where s.event_id = p_event_id and s.section_no = any (p_section_nos)
    loop
        v_prices[v_section.section_no] := v_section.price_minor;
        v_capacities[v_section.section_no] := v_section.capacity;
    end loop;

    o_firsts := array_fill(0, array[p_requests]);
    o_quantities := o_firsts;
    o_amounts := o_firsts;
    o_faults := array_fill(null::text, array[p_requests]);
    for v_request in 1 .. p_requests loop
        v_first := v_seat;
        v_amount := 0;
        v_named := '{}';
        while p_request_nos[v_seat] = v_request loop
            v_amount := v_amount + v_prices[p_section_nos[v_seat]];
            if (p_seat_nos[v_seat] between 1 and v_capacities[p_section_nos[v_seat]]) is not true then
                o_missing[v_seat] := true;
                o_faults[v_request] := 'seat_not_found';
            end if;
            -- The number alone first: few name one number in two sections. What has too many seats is refused for that.
            if v_seat - v_first between 1 and 99 then
                v_named := v_named || p_seat_nos[v_seat - 1];
                if p_seat_nos[v_seat] = any (v_named) then
                    v_is_twice := v_is_twice or exists (
                        select from generate_series(v_first, v_seat - 1) as w(seat)
                         where p_section_nos[w.seat] = p_section_nos[v_seat] and p_seat_nos[w.seat] = p_seat_nos[v_seat]);
                end if;
            end if;
            v_seat := v_seat + 1;
        end loop;
        if v_is_twice then
            o_faults[v_request] := 'duplicate_seat';
            v_is_twice := false;
        elsif v_amount is null then
            o_faults[v_request] := 'section_not_found';
        end if;
        o_firsts[v_request] := v_first;
        o_quantities[v_request] := v_seat - v_first;
        o_amounts[v_request] := v_amount;
    end loop;
    if v_seat <= cardinality(p_request_nos) then
        perform rowlock._invalid_input(format('p_request_nos[%s]', v_seat), 'must name the requests in their order');
    end if;
end
$$;

COMMENT ON FUNCTION rowlock._read_wanted_seats(p_event_id bigint, p_requests integer, p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], OUT o_firsts integer[], OUT o_quantities integer[], OUT o_amounts bigint[], OUT o_faults text[], OUT o_missing boolean[]) IS 'Reads which seats the claims of a batch ask for, what they cost and what is wrong with them. Private.';

CREATE FUNCTION rowlock._reclaim_order(p_event_id bigint, p_order_row tid, p_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    v_order rowlock.orders;
    v_limit integer;
    v_owned bigint;
    v_rows  tid[];
begin
    select o.* into strict v_order from rowlock.orders o where o.ctid = p_order_row;

    select e.seats_per_customer into v_limit from rowlock.events e where e.event_id = p_event_id and e.status <> 'closed';
    if not found then
        return false;
    end if;

    -- "between" and the order keep to the customers' index, as _check_claims explains.
    select coalesce(sum(cardinality(o.seat_nos)), 0) into v_owned
    from (
        select o.seat_nos
        from rowlock.orders o
        where o.event_id = p_event_id and o.customer_id between v_order.customer_id and v_order.customer_id and o.is_live
        order by o.customer_id
    ) o;
    if v_owned + cardinality(v_order.seat_nos) > v_limit then
        return false;
    end if;

    select l.o_seat_rows into v_rows from rowlock._lock_available_seats(p_event_id, v_order.section_nos, v_order.seat_nos) l;
    if array_position(v_rows, null) is not null then
        return false;
    end if;

    perform rowlock._pay_orders(p_event_id, array[p_order_row], 'available', p_at);
    return true;
end
$$;

COMMENT ON FUNCTION rowlock._reclaim_order(p_event_id bigint, p_order_row tid, p_at timestamp with time zone) IS 'Claims a late order''s seats again and pays it, if all of them are free and the limit holds. Private.';

CREATE FUNCTION rowlock._record_payments(p_event_id bigint, p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[], OUT payable_order_rows tid[], OUT one_by_one integer[], OUT fresh integer[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    v_currency constant text := (select e.currency from rowlock.events e where e.event_id = p_event_id);
begin
    -- "between" and the order keep to the primary key, as _check_claims explains.
    with notices as (
        select n.*,
            row_number() over (partition by n.order_id order by n.no) = 1 as first_of_order,
            row_number() over (partition by n.provider, n.reference order by n.no) = 1 as first_of_identity
        from unnest(p_order_ids, p_providers, p_provider_references, p_amounts_minor, p_currencies, p_succeeded)
            with ordinality as n (order_id, provider, reference, amount_minor, currency, succeeded, no)
        order by n.order_id
    ), locked as materialized (
        select n.*, o.order_row, coalesce(n.first_of_order and n.first_of_identity and n.succeeded and n.currency = v_currency
            and o.status = 'pending_payment' and o.amount_minor = n.amount_minor, false) as payable
        from notices n
        left join lateral (
            select o.ctid as order_row, o.status, o.amount_minor
            from rowlock.orders o
            where o.event_id = p_event_id and o.order_id between n.order_id and n.order_id
            order by o.order_id
            limit 1
            for update
        ) o on true
    ), recorded as (
        insert into rowlock.payments
            (event_id, provider, provider_reference, order_id, amount_minor, currency, status, outcome, received_at)
        select p_event_id, l.provider, l.reference, l.order_id, l.amount_minor, l.currency,
            case when l.succeeded then 'succeeded' else 'failed' end::rowlock.payment_status,
            case when l.payable then 'paid' when l.succeeded then 'refund_due' else 'failed_recorded' end::rowlock.payment_outcome,
            date_trunc('milliseconds', clock_timestamp())
        from locked l
        where l.first_of_identity
        order by l.provider, l.reference
        on conflict do nothing
        returning provider, provider_reference
    ), sorted as materialized (
        select l.no::integer, l.order_row, l.payable, l.first_of_identity
            and (l.provider, l.reference) in (select r.provider, r.provider_reference from recorded r) as fresh
        from locked l
    )
    select
        array_agg(s.order_row) filter (where s.payable and s.fresh),
        array_agg(s.no order by s.no) filter (where not (s.payable and s.fresh)),
        array_agg(s.no) filter (where s.fresh and not s.payable)
    into payable_order_rows, one_by_one, fresh
    from sorted s;
end
$$;

COMMENT ON FUNCTION rowlock._record_payments(p_event_id bigint, p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[], OUT payable_order_rows tid[], OUT one_by_one integer[], OUT fresh integer[]) IS 'Locks the orders of payment notices, records the new payments, tells which can be paid together. Private.';

CREATE FUNCTION rowlock._redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_function text, p_reason text) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    v_attempts integer;
begin
    delete from rowlock.expiry_failures f
    where f.event_id = p_event_id and f.order_id = p_order_id and f.retry_at is null
    returning f.attempts into v_attempts;
    if not found then
        raise exception using errcode = 'RL011', message = 'dead_letter_not_found',
            detail = format('there is no dead letter for order %s of event %s', p_order_id, p_event_id);
    end if;
    perform rowlock._log_action(p_function, p_event_id, p_order_id, p_reason, '{}', jsonb_build_object('attempts', v_attempts),
        jsonb_build_object('attempts', 0));
end
$$;

COMMENT ON FUNCTION rowlock._redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_function text, p_reason text) IS 'Lets a given-up expiry be tried again at once, and writes it down. Private.';

CREATE FUNCTION rowlock._release_orders(p_event_id bigint, p_order_rows tid[], p_status rowlock.order_status, p_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    v_section_nos integer[];
    v_seat_nos    integer[];
    v_order_ids   uuid[];
    v_count       bigint;
begin
    with ended as (
        update rowlock.orders o
        set status = p_status, ended_at = p_at
        where o.ctid = any (p_order_rows) and o.event_id = p_event_id and o.status = 'pending_payment'
        returning o.order_id, o.section_nos, o.seat_nos
    ), listed as (
        select e.order_id, s.section_no, s.seat_no, s.place
        from ended e
        cross join unnest(e.section_nos, e.seat_nos) with ordinality as s (section_no, seat_no, place)
        order by s.section_no, s.seat_no
    )
    select array_agg(l.section_no), array_agg(l.seat_no), array_agg(l.order_id), count(*) filter (where l.place = 1)
    into v_section_nos, v_seat_nos, v_order_ids, v_count
    from listed l;
    perform rowlock._assert_rows(v_count, cardinality(p_order_rows), 'pending orders');

    update rowlock.seats s
    set status = 'available', order_id = null
    from unnest(v_section_nos, v_seat_nos, v_order_ids) as w (section_no, seat_no, order_id)
    where s.event_id = p_event_id and s.section_no = w.section_no and s.seat_no = w.seat_no
        and s.status = 'held' and s.order_id = w.order_id;
    get diagnostics v_count = row_count;
    perform rowlock._assert_rows(v_count, cardinality(v_seat_nos), 'seats held by their orders');

    perform rowlock._move_seat_counts(p_event_id, v_section_nos, v_seat_nos, 'held', 'available');
end
$$;

COMMENT ON FUNCTION rowlock._release_orders(p_event_id bigint, p_order_rows tid[], p_status rowlock.order_status, p_at timestamp with time zone) IS 'Ends pending orders as expired, cancelled or refund_due and puts their seats on sale again. Private.';

CREATE FUNCTION rowlock._revoke_api_key(p_api_key_id bigint, p_function text, p_reason text) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    v_revoked_at timestamptz;
begin
    select k.revoked_at into v_revoked_at from rowlock.api_keys as k where k.api_key_id = p_api_key_id for update;
    update rowlock.api_keys as k
    set revoked_at = coalesce(k.revoked_at, date_trunc('milliseconds', clock_timestamp()))
    where k.api_key_id = p_api_key_id;
    if not found then
        raise exception using
            errcode = 'RL012',
            message = 'api_key_not_found',
            detail = format('there is no API key %s', coalesce(p_api_key_id::text, 'without an id'));
    end if;
    perform rowlock._log_action(p_function, null, null, p_reason, jsonb_build_object('api_key_id', p_api_key_id),
        jsonb_build_object('works', v_revoked_at is null), jsonb_build_object('works', false));
end
$$;

COMMENT ON FUNCTION rowlock._revoke_api_key(p_api_key_id bigint, p_function text, p_reason text) IS 'Makes an API key stop working for good. Private.';

CREATE FUNCTION rowlock._search_sections(p_event_id bigint, p_asked_section_nos integer[], p_quantities integer[], p_admitted boolean[], p_lost_section_nos integer[], p_lost_seat_nos integer[], OUT o_request_nos integer[], OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_seat_rows tid[], OUT o_hint_section_nos integer[], OUT o_hint_quantities integer[], OUT o_hint_seats integer[], OUT o_hint_releases bigint[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
declare
    v_section record;
    v_found   record;
begin
    for v_section in
        select r.section_no, r.request_nos, r.quantities, r.smallest, s.search_from, s.releases
          from (select r.section_no, array_agg(r.request_no::integer order by r.request_no) as request_nos,
                       array_agg(r.quantity order by r.request_no) as quantities, min(r.quantity) as smallest
                  from unnest(p_asked_section_nos, p_quantities, p_admitted)
                       with ordinality as r(section_no, quantity, is_admitted, request_no)
                 where r.is_admitted
                 group by r.section_no) r
          join rowlock.sections s on s.event_id = p_event_id and s.section_no = r.section_no
         order by r.section_no
    loop
        select f.o_request_nos as request_nos, f.o_seat_nos as seat_nos, f.o_from_seat as from_seat
          into v_found
          from rowlock._find_seats(
                   p_event_id, v_section.section_no, v_section.request_nos, v_section.quantities, v_section.search_from,
                   array(select l.seat_no
                           from unnest(p_lost_section_nos, p_lost_seat_nos) as l(section_no, seat_no)
                          where l.section_no = v_section.section_no)) f;
        continue when cardinality(v_found.seat_nos) = 0;
        o_request_nos := o_request_nos || v_found.request_nos;
        o_section_nos := o_section_nos || array_fill(v_section.section_no, array[cardinality(v_found.seat_nos)]);
        o_seat_nos := o_seat_nos || v_found.seat_nos;
        o_hint_section_nos := o_hint_section_nos || v_section.section_no;
        o_hint_quantities := o_hint_quantities || v_section.smallest;
        o_hint_seats := o_hint_seats || v_found.from_seat;
        o_hint_releases := o_hint_releases || v_section.releases;
    end loop;
    select l.o_seat_rows into o_seat_rows from rowlock._lock_available_seats(p_event_id, o_section_nos, o_seat_nos) l;
end
$$;

COMMENT ON FUNCTION rowlock._search_sections(p_event_id bigint, p_asked_section_nos integer[], p_quantities integer[], p_admitted boolean[], p_lost_section_nos integer[], p_lost_seat_nos integer[], OUT o_request_nos integer[], OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_seat_rows tid[], OUT o_hint_section_nos integer[], OUT o_hint_quantities integer[], OUT o_hint_seats integer[], OUT o_hint_releases bigint[]) IS 'Chooses and locks seats for a round of best-available claims.';

CREATE TABLE rowlock.sections (
    event_id bigint NOT NULL,
    section_no integer NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    price_minor bigint NOT NULL,
    capacity integer NOT NULL,
    available integer NOT NULL,
    held integer DEFAULT 0 NOT NULL,
    sold integer DEFAULT 0 NOT NULL,
    blocked integer DEFAULT 0 NOT NULL,
    revision bigint DEFAULT 1 NOT NULL,
    search_from integer[] DEFAULT '{}'::integer[] NOT NULL,
    releases bigint DEFAULT 0 NOT NULL,
    CONSTRAINT sections_available_check CHECK ((available >= 0)),
    CONSTRAINT sections_blocked_check CHECK ((blocked >= 0)),
    CONSTRAINT sections_capacity_check CHECK (((capacity >= 1) AND (capacity <= 1000000))),
    CONSTRAINT sections_check CHECK (((((available + held) + sold) + blocked) = capacity)),
    CONSTRAINT sections_code_check CHECK (((char_length(code) >= 1) AND (char_length(code) <= 20))),
    CONSTRAINT sections_held_check CHECK ((held >= 0)),
    CONSTRAINT sections_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT sections_price_minor_check CHECK (((price_minor >= 0) AND (price_minor <= '1000000000000'::bigint))),
    CONSTRAINT sections_section_no_check CHECK ((section_no >= 1)),
    CONSTRAINT sections_sold_check CHECK ((sold >= 0))
)
WITH (fillfactor='25', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');

COMMENT ON TABLE rowlock.sections IS 'A priced area of an event, with the counts of its seats kept in the transaction that changes them.';

COMMENT ON COLUMN rowlock.sections.event_id IS 'The event it belongs to.';

COMMENT ON COLUMN rowlock.sections.section_no IS 'From 1, in the order the event was described.';

COMMENT ON COLUMN rowlock.sections.code IS 'What the API and the tickets call it, for example A.';

COMMENT ON COLUMN rowlock.sections.name IS 'What people call it, for example Floor A.';

COMMENT ON COLUMN rowlock.sections.price_minor IS 'Price of each of its seats in minor units; it never changes.';

COMMENT ON COLUMN rowlock.sections.capacity IS 'How many seats it has; they are numbered 1 to capacity.';

COMMENT ON COLUMN rowlock.sections.available IS 'Seats on sale now.';

COMMENT ON COLUMN rowlock.sections.held IS 'Seats held by pending orders.';

COMMENT ON COLUMN rowlock.sections.sold IS 'Seats sold.';

COMMENT ON COLUMN rowlock.sections.blocked IS 'Seats kept back by the box office.';

COMMENT ON COLUMN rowlock.sections.revision IS 'Grows with every change of its seats.';

COMMENT ON COLUMN rowlock.sections.search_from IS 'Hints for best available: element n says that no n or more seats together began below this seat when it was written. Never trusted for a refusal.';

COMMENT ON COLUMN rowlock.sections.releases IS 'How many times seats came back; a search writes its hint only if this did not move meanwhile.';

CREATE FUNCTION rowlock._section_of(p_event_id bigint, p_section text) RETURNS rowlock.sections
    LANGUAGE plpgsql STABLE
    AS $$
declare
    v_section rowlock.sections;
begin
    select s.* into v_section from rowlock.sections as s where s.event_id = p_event_id and s.code = p_section;
    if not found then
        if not exists (select from rowlock.events as e where e.event_id = p_event_id) then
            perform rowlock._event_not_found(p_event_id);
        end if;
        raise exception using
            errcode = 'RL002',
            message = 'section_not_found',
            detail = format('event %s has no section "%s"; it has %s', p_event_id, left(p_section, 50),
                (select string_agg(s.code, ', ' order by s.section_no) from rowlock.sections as s where s.event_id = p_event_id));
    end if;
    return v_section;
end
$$;

COMMENT ON FUNCTION rowlock._section_of(p_event_id bigint, p_section text) IS 'Finds a section by its code. Private.';

CREATE FUNCTION rowlock._section_statuses(p_event_id bigint, p_section_no integer) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return (
        select string_agg(
            case o.status when 'available' then 'a' when 'held' then 'h' when 'sold' then 's' else 'b' end,
            ''
        )
        from (
            select s.status
            from rowlock.seats as s
            where s.event_id = p_event_id and s.section_no = p_section_no
            order by s.seat_no
        ) as o
    );
end
$$;

COMMENT ON FUNCTION rowlock._section_statuses(p_event_id bigint, p_section_no integer) IS 'Reads the seats of a section as one text, with its caller''s snapshot.';

CREATE FUNCTION rowlock._selected_seats(p_event_id bigint, p_seats text) RETURNS TABLE(section_no integer, first_seat integer, last_seat integer)
    LANGUAGE plpgsql STABLE
    AS $_$
#variable_conflict use_column
declare
    v_item    text;
    v_words   text[];
    v_range   text;
    v_section rowlock.sections;
    v_first   integer;
    v_last    integer;
begin
    foreach v_item in array string_to_array(coalesce(p_seats, ''), ',') loop
        v_words := regexp_split_to_array(regexp_replace(v_item, '^\s+|\s+$', '', 'g'), '\s+');
        if v_words[1] = '' then
            perform rowlock._invalid_input('seats', 'has a comma with nothing before or after it');
        end if;
        v_section := rowlock._section_of(p_event_id, v_words[1]);
        if cardinality(v_words) = 1 then
            return query select v_section.section_no, 1, v_section.capacity;
        end if;
        foreach v_range in array v_words[2:] loop
            if v_range !~ '^\d{1,7}(-\d{1,7})?$' then
                perform rowlock._invalid_input('seats', format('"%s" is neither a seat number nor a range; write: A 1-20 35, B 5',
                    left(v_range, 50)));
            end if;
            v_first := split_part(v_range, '-', 1)::integer;
            v_last := coalesce(nullif(split_part(v_range, '-', 2), ''), split_part(v_range, '-', 1))::integer;
            if v_first > v_last then
                perform rowlock._invalid_input('seats', format('"%s" runs backwards', v_range));
            end if;
            if v_first < 1 or v_last > v_section.capacity then
                raise exception using errcode = 'RL003', message = 'seat_not_found',
                    detail = format('section %s has seats 1 to %s, not %s', v_section.code, v_section.capacity, v_range);
            end if;
            return query select v_section.section_no, v_first, v_last;
        end loop;
    end loop;
end
$_$;

COMMENT ON FUNCTION rowlock._selected_seats(p_event_id bigint, p_seats text) IS 'Reads which seats an operator means: A 1-20 35, B 5, C. Private.';

CREATE FUNCTION rowlock._set_event_status(p_event_id bigint, p_status rowlock.event_status, p_from rowlock.event_status[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    v_status rowlock.event_status;
begin
    select e.status into v_status from rowlock.events as e where e.event_id = p_event_id for no key update;
    if not found then
        perform rowlock._event_not_found(p_event_id);
    end if;
    if v_status = p_status then
        return;
    end if;
    if v_status <> all (p_from) then
        raise exception using
            errcode = 'RL008',
            message = 'event_conflict',
            detail = format('event %s is %s and cannot become %s', p_event_id, v_status, p_status);
    end if;
    update rowlock.events as e
    set status = p_status, updated_at = date_trunc('milliseconds', clock_timestamp())
    where e.event_id = p_event_id;
end
$$;

COMMENT ON FUNCTION rowlock._set_event_status(p_event_id bigint, p_status rowlock.event_status, p_from rowlock.event_status[]) IS 'Moves an event to a status if it has one of the statuses given.';

CREATE FUNCTION rowlock._set_seats_blocked(p_event_id bigint, p_section_no integer, p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    v_capacity integer;
    v_unfit    json;
    v_changed  integer[];
begin
    select s.capacity into v_capacity from rowlock.sections s where s.event_id = p_event_id and s.section_no = p_section_no;
    if not found then
        raise exception using errcode = 'RL002', message = 'section_not_found',
            detail = format('event %s has no section %s', p_event_id, p_section_no);
    end if;
    select json_agg(w.seat_no order by w.seat_no) into v_unfit
      from unnest(p_seat_nos) as w(seat_no)
     where (w.seat_no between 1 and v_capacity) is not true;
    if v_unfit is not null then
        raise exception using errcode = 'RL003', message = 'seat_not_found', detail = v_unfit::text;
    end if;

    select json_agg(s.seat_no order by s.seat_no) into v_unfit
      from rowlock.seats s
     where s.event_id = p_event_id and s.section_no = p_section_no and s.seat_no = any (p_seat_nos) and s.status in ('held', 'sold');
    if v_unfit is not null then
        raise exception using errcode = 'RL009', message = 'seats_not_blockable', detail = v_unfit::text,
            hint = 'Held and sold seats can be neither blocked nor unblocked; nothing was changed.';
    end if;

    with changed as (
        update rowlock.seats s
           set status = p_to, filler = null
         where s.event_id = p_event_id and s.section_no = p_section_no and s.seat_no = any (p_seat_nos) and s.status = p_from
        returning s.seat_no
    )
    select array_agg(c.seat_no) into v_changed from changed c;
    perform rowlock._move_seat_counts(p_event_id, array_fill(p_section_no, array[coalesce(cardinality(v_changed), 0)]), v_changed,
                                      p_from, p_to);
    return coalesce(cardinality(v_changed), 0);
end
$$;

COMMENT ON FUNCTION rowlock._set_seats_blocked(p_event_id bigint, p_section_no integer, p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status) IS 'Moves seats between available and blocked, all or none.';

CREATE FUNCTION rowlock._settle_payment(p_event_id bigint, p_order_id uuid, p_provider text, p_provider_reference text, p_amount_minor bigint, p_currency text, p_succeeded boolean, p_fresh boolean, p_at timestamp with time zone) RETURNS text
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    v_recorded rowlock.payments;
    v_outcome  rowlock.payment_outcome;
begin
    if not p_fresh then
        select * into strict v_recorded
        from rowlock.payments p
        where p.event_id = p_event_id and p.provider = p_provider and p.provider_reference = p_provider_reference
        for update;
        if v_recorded.order_id <> p_order_id then
            return 'payment_conflict';
        end if;
        if v_recorded.status = 'succeeded' or not p_succeeded then
            return case when v_recorded.amount_minor = p_amount_minor and v_recorded.currency = p_currency then 'duplicate'
                else 'payment_conflict' end;
        end if;
    end if;
    if not p_succeeded then
        return 'failed_recorded';
    end if;

    v_outcome := rowlock._spend_payment(p_event_id, p_order_id, p_amount_minor, p_currency, p_at);
    if not p_fresh or v_outcome <> 'refund_due' then
        update rowlock.payments p
        set status = 'succeeded', outcome = v_outcome, amount_minor = p_amount_minor, currency = p_currency, received_at = p_at
        where p.event_id = p_event_id and p.provider = p_provider and p.provider_reference = p_provider_reference;
    end if;
    return v_outcome::text;
end
$$;

COMMENT ON FUNCTION rowlock._settle_payment(p_event_id bigint, p_order_id uuid, p_provider text, p_provider_reference text, p_amount_minor bigint, p_currency text, p_succeeded boolean, p_fresh boolean, p_at timestamp with time zone) IS 'Settles one recorded payment notice against its order. Private.';

CREATE FUNCTION rowlock._spend_payment(p_event_id bigint, p_order_id uuid, p_amount_minor bigint, p_currency text, p_at timestamp with time zone) RETURNS rowlock.payment_outcome
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    v_row    tid;
    v_status rowlock.order_status;
    v_right  boolean;
begin
    -- "between" and the order keep to the primary key, as _check_claims explains.
    select o.ctid, o.status, o.amount_minor = p_amount_minor and e.currency = p_currency
    into v_row, v_status, v_right
    from rowlock.orders o
    join rowlock.events e on e.event_id = o.event_id
    where o.event_id = p_event_id and o.order_id between p_order_id and p_order_id
    order by o.order_id
    limit 1;

    case
        when v_status = 'pending_payment' and v_right then
            perform rowlock._pay_orders(p_event_id, array[v_row], 'held', p_at);
            return 'paid'::rowlock.payment_outcome;
        when v_status = 'pending_payment' then
            perform rowlock._release_orders(p_event_id, array[v_row], 'refund_due', p_at);
        when v_status in ('expired', 'cancelled') then
            insert into rowlock.late_orders (event_id, order_id, released_as, released_at)
            select o.event_id, o.order_id, o.status, o.ended_at from rowlock.orders o where o.ctid = v_row
            on conflict do nothing;
            if v_right and rowlock._reclaim_order(p_event_id, v_row, p_at) then
                return 'late_reclaimed'::rowlock.payment_outcome;
            end if;
            update rowlock.orders o
            set status = 'refund_due', ended_at = p_at
            where o.ctid = v_row;
        else null;
    end case;
    return 'refund_due'::rowlock.payment_outcome;
end
$$;

COMMENT ON FUNCTION rowlock._spend_payment(p_event_id bigint, p_order_id uuid, p_amount_minor bigint, p_currency text, p_at timestamp with time zone) IS 'What arrived money buys: the seats, the seats claimed again, or a refund. Private.';

CREATE FUNCTION rowlock._steer_event(p_event_id bigint, p_status rowlock.event_status, p_function text, p_reason text) RETURNS text
    LANGUAGE plpgsql
    AS $$
declare
    v_before rowlock.event_status;
begin
    select e.status into v_before from rowlock.events as e where e.event_id = p_event_id for no key update;
    perform rowlock._set_event_status(p_event_id, p_status, case p_status
        when 'open' then array['draft', 'paused']
        when 'paused' then array['open']
        when 'closed' then array['draft', 'open', 'paused']
    end::rowlock.event_status[]);
    perform rowlock._log_action(p_function, p_event_id, null, p_reason, '{}', jsonb_build_object('status', v_before),
        jsonb_build_object('status', p_status));
    return p_status::text;
end
$$;

COMMENT ON FUNCTION rowlock._steer_event(p_event_id bigint, p_status rowlock.event_status, p_function text, p_reason text) IS 'Opens, pauses or closes an event and writes it down. Private.';

CREATE FUNCTION rowlock._wait_for_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    perform
      from rowlock.seats s
      join unnest(p_section_nos, p_seat_nos) as w(section_no, seat_no) on w.section_no = s.section_no and w.seat_no = s.seat_no
     where s.event_id = p_event_id
     order by s.section_no, s.seat_no
       for update of s;
end
$$;

COMMENT ON FUNCTION rowlock._wait_for_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[]) IS 'Locks listed seats, waiting for each. Private.';

CREATE FUNCTION rowlock._win_found(p_outcomes text[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], p_seat_rows tid[], OUT o_outcomes text[], OUT o_request_nos integer[], OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_seat_rows tid[], OUT o_lost_section_nos integer[], OUT o_lost_seat_nos integer[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
declare
    v_request integer;
begin
    if array_position(p_seat_rows, null) is null then
        o_request_nos := p_request_nos;
        o_section_nos := p_section_nos;
        o_seat_nos := p_seat_nos;
        o_seat_rows := p_seat_rows;
    else
        select array_agg(f.request_no) filter (where f.is_won), array_agg(f.section_no) filter (where f.is_won),
               array_agg(f.seat_no) filter (where f.is_won), array_agg(f.seat_row) filter (where f.is_won),
               array_agg(f.section_no) filter (where f.seat_row is null), array_agg(f.seat_no) filter (where f.seat_row is null)
          into o_request_nos, o_section_nos, o_seat_nos, o_seat_rows, o_lost_section_nos, o_lost_seat_nos
          from (select f.*, bool_and(f.seat_row is not null) over (partition by f.request_no) as is_won
                  from unnest(p_request_nos, p_section_nos, p_seat_nos, p_seat_rows)
                       with ordinality as f(request_no, section_no, seat_no, seat_row, found_no)
                 order by f.request_no, f.found_no) f;
    end if;
    o_outcomes := p_outcomes;
    foreach v_request in array coalesce(o_request_nos, '{}') loop
        o_outcomes[v_request] := 'claimed';
    end loop;
end
$$;

COMMENT ON FUNCTION rowlock._win_found(p_outcomes text[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], p_seat_rows tid[], OUT o_outcomes text[], OUT o_request_nos integer[], OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_seat_rows tid[], OUT o_lost_section_nos integer[], OUT o_lost_seat_nos integer[]) IS 'Which best-available claims of a round have got all their seats. Private.';

CREATE FUNCTION rowlock._write_search_hints(p_event_id bigint, p_section_nos integer[], p_quantities integer[], p_seats integer[], p_releases bigint[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    update rowlock.sections s
       set search_from = array(select case when q.quantity = h.quantity then h.from_seat else coalesce(s.search_from[q.quantity], 1) end
                                 from generate_series(1, greatest(cardinality(s.search_from), h.quantity)) as q(quantity)
                                order by q.quantity)
      from unnest(p_section_nos, p_quantities, p_seats, p_releases) as h(section_no, quantity, from_seat, releases)
     where s.event_id = p_event_id and s.section_no = h.section_no and s.releases = h.releases
       and s.search_from[h.quantity] is distinct from h.from_seat;
end
$$;

COMMENT ON FUNCTION rowlock._write_search_hints(p_event_id bigint, p_section_nos integer[], p_quantities integer[], p_seats integer[], p_releases bigint[]) IS 'Writes where the next best-available search of each section may begin.';

CREATE FUNCTION rowlock.block_seats(p_event_id bigint, p_section_no integer, p_seat_nos integer[]) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
    select rowlock._change_blocked(p_event_id, array_fill(p_section_no, array[cardinality(p_seat_nos)]), p_seat_nos, 'available', 'blocked',
                                   'rowlock.block_seats', null)
$$;

COMMENT ON FUNCTION rowlock.block_seats(p_event_id bigint, p_section_no integer, p_seat_nos integer[]) IS 'Keeps seats of one section back from sale, all or none; answers how many changed.';

CREATE FUNCTION rowlock.cancel_order(p_event_id bigint, p_order_id uuid, p_customer_id text) RETURNS SETOF rowlock.order_row
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
#variable_conflict use_column
declare
    v_row    tid;
    v_status rowlock.order_status;
begin
    -- "between" and the order keep to the primary key, as _check_claims explains.
    select o.ctid, o.status into v_row, v_status
    from rowlock.orders o
    where o.event_id = p_event_id and o.order_id between p_order_id and p_order_id and o.customer_id = p_customer_id
    order by o.order_id
    limit 1
    for update;
    if not found then
        raise exception using errcode = 'RL004', message = 'order_not_found',
            detail = format('the customer has no order %s of event %s', p_order_id, p_event_id);
    end if;

    if v_status = 'pending_payment' then
        perform rowlock._release_orders(p_event_id, array[v_row], 'cancelled', date_trunc('milliseconds', clock_timestamp()));
    elsif v_status <> 'cancelled' then
        raise exception using errcode = 'RL006', message = 'order_not_pending',
            detail = format('order %s is %s', p_order_id, v_status);
    end if;
    return query select o.* from rowlock.get_order(p_event_id, p_order_id, p_customer_id) o;
end
$$;

COMMENT ON FUNCTION rowlock.cancel_order(p_event_id bigint, p_order_id uuid, p_customer_id text) IS 'Cancels a customer''s pending order and puts its seats on sale again.';

CREATE FUNCTION rowlock.change_event(p_event_id bigint, p_change jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    perform rowlock._change_event(p_event_id, p_change, 'rowlock.change_event', null);
end
$$;

COMMENT ON FUNCTION rowlock.change_event(p_event_id bigint, p_change jsonb) IS 'Changes settings of an event; orders already made keep their deadlines.';

CREATE FUNCTION rowlock.claim_best_available(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_section_nos integer[], p_quantities integer[]) RETURNS SETOF rowlock.claim_answer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
    v_event            record;
    v_locks            integer;
    v_customer_nos     integer[];  -- arrays of one element a request, null if no two customers are the same: see _number_customers
    v_key_nos          integer[];
    v_amounts          bigint[];   -- what the seats of each request cost together
    v_faults           text[];
    v_live_seats       integer[];  -- see _check_claims
    v_outcomes         text[];
    v_answers          uuid[];
    v_admitted         boolean[];  -- whether a request takes part in the round's search
    v_sections         record;     -- arrays of one element a section
    v_found            record;     -- arrays of one element a seat: what the round's search chose
    v_round_won        record;     -- what came of that: see _win_found
    v_hints            record;     -- what the first round's search learned
    v_won_nos          integer[] := '{}'::integer[];  -- arrays of one element a seat that some round won: its request
    v_won_section_nos  integer[] := '{}'::integer[];
    v_won_seat_nos     integer[] := '{}'::integer[];
    v_won_rows         tid[] := '{}'::tid[];
    v_lost_section_nos integer[] := '{}'::integer[];  -- arrays of one element a seat that a rival had locked
    v_lost_seat_nos    integer[] := '{}'::integer[];
    v_firsts           integer[];  -- where the seats that a request won begin
    v_created_at       timestamptz;
    v_expires_at       timestamptz;
begin
    if cardinality(p_order_ids) = 0 then
        return;
    end if;
    select e.seats_per_customer, e.window_ms, e.status = 'open' and coalesce(e.on_sale_at <= clock_timestamp(), true) as is_on_sale
      into v_event
      from rowlock.events e
     where e.event_id = p_event_id;
    v_locks := rowlock._lock_customer_keys(p_event_id, p_customer_ids);
    if v_locks < cardinality(p_order_ids) then
        select n.* into v_customer_nos, v_key_nos from rowlock._number_customers(p_customer_ids, p_idempotency_keys) n;
    end if;
    select array_agg(case when r.quantity between 1 and 100 then r.quantity * s.price_minor end order by r.request_no),
           array_agg(case when s.section_no is null then 'section_not_found' end order by r.request_no)
      into v_amounts, v_faults
      from unnest(p_section_nos, p_quantities) with ordinality as r(section_no, quantity, request_no)
      left join rowlock.sections s on s.event_id = p_event_id and s.section_no = r.section_no;
    select c.* into v_live_seats, v_outcomes, v_answers
      from rowlock._check_claims(p_event_id, v_event.seats_per_customer, v_event.is_on_sale, p_order_ids, p_customer_ids,
                                 p_idempotency_keys, p_fingerprints, v_key_nos, p_quantities, v_faults) c;

    -- As late as can be: the next batch for the section waits from here to the commit.
    if array_position(v_outcomes, null) is not null then
        perform rowlock._lock_section_searches(p_event_id, p_section_nos);
    end if;
    for v_round in 1 .. 4 loop
        exit when array_position(v_outcomes, null) is null;
        select array_agg(s.section_no) as section_nos, array_agg(s.available) as available
          into v_sections
          from rowlock.sections s
         where s.event_id = p_event_id and s.section_no = any (p_section_nos);
        select a.o_outcomes, a.o_answers, a.o_admitted
          into v_outcomes, v_answers, v_admitted
          from rowlock._admit_searches(
                   v_event.seats_per_customer, v_outcomes, v_answers, p_order_ids, p_fingerprints, v_customer_nos, v_key_nos, v_live_seats,
                   p_section_nos, p_quantities, v_sections.section_nos, v_sections.available) a;
        exit when array_position(v_admitted, true) is null;

        select f.* into v_found
          from rowlock._search_sections(p_event_id, p_section_nos, p_quantities, v_admitted, v_lost_section_nos || v_won_section_nos,
                                        v_lost_seat_nos || v_won_seat_nos) f;
        if v_round = 1 then
            v_hints := v_found;
        end if;
        select w.* into v_round_won
          from rowlock._win_found(v_outcomes, v_found.o_request_nos, v_found.o_section_nos, v_found.o_seat_nos, v_found.o_seat_rows) w;
        v_outcomes := v_round_won.o_outcomes;
        v_won_nos := v_won_nos || v_round_won.o_request_nos;
        v_won_section_nos := v_won_section_nos || v_round_won.o_section_nos;
        v_won_seat_nos := v_won_seat_nos || v_round_won.o_seat_nos;
        v_won_rows := v_won_rows || v_round_won.o_seat_rows;
        v_lost_section_nos := v_lost_section_nos || v_round_won.o_lost_section_nos;
        v_lost_seat_nos := v_lost_seat_nos || v_round_won.o_lost_seat_nos;
    end loop;

    v_firsts := array_fill(null::integer, array[cardinality(p_order_ids)]);
    for v_seat in reverse cardinality(v_won_nos) .. 1 loop
        v_firsts[v_won_nos[v_seat]] := v_seat;
    end loop;
    if v_won_seat_nos <> '{}' then
        select o.* into v_created_at, v_expires_at
          from rowlock._place_orders(p_event_id, v_event.window_ms, v_outcomes, p_order_ids, p_customer_ids, p_idempotency_keys,
                                     p_fingerprints, v_firsts, p_quantities, v_amounts, v_won_nos, v_won_section_nos, v_won_seat_nos,
                                     v_won_rows, cardinality(v_won_seat_nos)) o;
    end if;
    return query
    select a.* from rowlock._claim_answers(p_event_id, array_replace(v_outcomes, null, 'busy'), p_order_ids, v_answers, v_firsts,
                                           p_quantities, v_amounts, v_won_section_nos, v_won_seat_nos, null::boolean[],
                                           v_created_at, v_expires_at) a;
    -- Last: every other batch of the event waits for the sections, from here to the commit.
    if v_won_seat_nos <> '{}' then
        perform rowlock._move_seat_counts(p_event_id, v_won_section_nos, v_won_seat_nos, 'available', 'held');
        -- What was passed over because a rival had it may still be free: no hint may hide it.
        if cardinality(v_lost_seat_nos) = 0 then
            perform rowlock._write_search_hints(p_event_id, v_hints.o_hint_section_nos, v_hints.o_hint_quantities,
                                                v_hints.o_hint_seats, v_hints.o_hint_releases);
        end if;
    end if;
end
$$;

COMMENT ON FUNCTION rowlock.claim_best_available(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_section_nos integer[], p_quantities integer[]) IS 'Claims n seats together, or the nearest together, for a batch of requests of one event; one answer a request.';

CREATE FUNCTION rowlock.claim_seats(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[]) RETURNS SETOF rowlock.claim_answer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
    v_requests     constant integer := cardinality(p_order_ids);
    v_event        record;
    v_locks        integer;
    v_customer_nos integer[];  -- arrays of one element a request, null if no two customers are the same: see _number_customers
    v_key_nos      integer[];
    v_firsts       integer[];  -- see _read_wanted_seats
    v_quantities   integer[];
    v_amounts      bigint[];
    v_faults       text[];
    v_live_seats   integer[];  -- see _check_claims
    v_outcomes     text[];
    v_answers      uuid[];
    v_missing      boolean[];  -- arrays of one element a wanted seat: see _read_wanted_seats
    v_seat_rows    tid[];      -- see _lock_available_seats
    v_first_nos    integer[];
    v_are_all      boolean;
    v_blamed       boolean[];  -- see _decide_seat_claims
    v_is_wanted    boolean[] := '{}'::boolean[];
    v_won_sections integer[] := p_section_nos;  -- arrays of one element a won seat
    v_won_seats    integer[] := p_seat_nos;
    v_created_at   timestamptz;
    v_expires_at   timestamptz;
begin
    if v_requests = 0 then
        return;
    end if;
    select e.seats_per_customer, e.window_ms, e.status = 'open' and coalesce(e.on_sale_at <= clock_timestamp(), true) as is_on_sale
      into v_event
      from rowlock.events e
     where e.event_id = p_event_id;
    v_locks := rowlock._lock_customer_keys(p_event_id, p_customer_ids);
    if v_locks < v_requests then
        select n.* into v_customer_nos, v_key_nos from rowlock._number_customers(p_customer_ids, p_idempotency_keys) n;
    end if;
    select w.* into v_firsts, v_quantities, v_amounts, v_faults, v_missing
      from rowlock._read_wanted_seats(p_event_id, v_requests, p_request_nos, p_section_nos, p_seat_nos) w;
    select c.* into v_live_seats, v_outcomes, v_answers
      from rowlock._check_claims(p_event_id, v_event.seats_per_customer, v_event.is_on_sale, p_order_ids, p_customer_ids,
                                 p_idempotency_keys, p_fingerprints, v_key_nos, v_quantities, v_faults) c;
    if cardinality(array_remove(v_outcomes, null)) > 0 then
        v_is_wanted := array(select v_outcomes[w.request_no] is null from unnest(p_request_nos) with ordinality as w(request_no, wanted_no)
                              order by w.wanted_no);
    end if;
    select s.* into v_seat_rows, v_first_nos, v_are_all
      from rowlock._lock_available_seats(p_event_id, p_section_nos, p_seat_nos, v_is_wanted) s;

    if v_are_all and v_locks = v_requests and array_position(v_quantities, 0) is null then
        v_outcomes := array_fill('claimed'::text, array[v_requests]);
    else
        select d.* into v_outcomes, v_answers, v_blamed
          from rowlock._decide_seat_claims(v_event.seats_per_customer, v_outcomes, v_answers, p_order_ids, p_fingerprints, v_customer_nos,
                                           v_key_nos, v_live_seats, v_firsts, v_quantities, v_missing, v_first_nos, v_seat_rows) d;
        select coalesce(array_agg(w.section_no), '{}'), coalesce(array_agg(w.seat_no), '{}')
          into v_won_sections, v_won_seats
          from unnest(p_request_nos, p_section_nos, p_seat_nos) as w(request_no, section_no, seat_no)
         where v_outcomes[w.request_no] = 'claimed';
    end if;

    if v_won_seats <> '{}' then
        select o.* into v_created_at, v_expires_at
          from rowlock._place_orders(p_event_id, v_event.window_ms, v_outcomes, p_order_ids, p_customer_ids, p_idempotency_keys,
                                     p_fingerprints, v_firsts, v_quantities, v_amounts, p_request_nos, p_section_nos, p_seat_nos,
                                     v_seat_rows, cardinality(v_won_seats)) o;
    end if;
    return query
    select a.* from rowlock._claim_answers(p_event_id, v_outcomes, p_order_ids, v_answers, v_firsts, v_quantities, v_amounts, p_section_nos,
                                           p_seat_nos, v_blamed, v_created_at, v_expires_at) a;
    -- Last: every other batch of the event waits for the sections, from here to the commit.
    perform rowlock._move_seat_counts(p_event_id, v_won_sections, v_won_seats, 'available', 'held');
end
$$;

COMMENT ON FUNCTION rowlock.claim_seats(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[]) IS 'Claims explicit seats for a batch of requests of one event, all or none each, first come first served; one answer a request.';

CREATE FUNCTION rowlock.claimed_orders(p_event_id bigint, p_order_ids uuid[]) RETURNS SETOF rowlock.claim_answer
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
    select r.request_no::integer, 'claimed', o.order_id, o.status::text, o.section_nos, o.seat_nos, o.amount_minor, o.created_at,
           o.expires_at, null::integer[], null::integer[]
      from unnest(p_order_ids) with ordinality as r(order_id, request_no)
      -- "between" and the order keep to the primary key, as _check_claims explains.
      cross join lateral (
            select o.*
              from rowlock.orders o
             where o.event_id = p_event_id and o.order_id between r.order_id and r.order_id
             order by o.order_id
             limit 1) o
$$;

COMMENT ON FUNCTION rowlock.claimed_orders(p_event_id bigint, p_order_ids uuid[]) IS 'The orders of those ids that exist, answered as claims; resolves a lost answer.';

CREATE FUNCTION rowlock.claimed_together(p_event_id bigint, p_first_order_ids uuid[]) RETURNS TABLE(order_id uuid, overdue_ms integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
declare
    v_now constant timestamptz := clock_timestamp();
begin
    -- "between" and the order keep to the primary key, as _check_claims explains; the limits keep to the order of the look-ups: a plan
    -- made while rowlock.deadlines is empty must not read all of it later.
    return query
    select i.order_id, greatest(least(extract(epoch from v_now - d.expires_at) * 1000, 2147483647), -2147483648)::integer
    from (select distinct n.order_id from unnest(p_first_order_ids) as n (order_id)) n
    cross join lateral (
        select o.expires_at from rowlock.orders o
        where o.event_id = p_event_id and o.order_id between n.order_id and n.order_id
        order by o.order_id
        limit 1
    ) o
    cross join lateral (
        select d.expires_at, d.order_ids from rowlock.deadlines d
        where d.expires_at = o.expires_at and d.event_id = p_event_id and d.first_order_id between n.order_id and n.order_id
        order by d.first_order_id
        limit 1
    ) d
    cross join unnest(d.order_ids) as i (order_id)
    cross join lateral (
        select from rowlock.orders o
        where o.event_id = p_event_id and o.order_id between i.order_id and i.order_id and o.status = 'pending_payment'
        order by o.order_id
        limit 1
    ) p
    where not exists (select from rowlock.expiry_failures f where f.event_id = p_event_id and f.order_id = i.order_id);
end
$$;

COMMENT ON FUNCTION rowlock.claimed_together(p_event_id bigint, p_first_order_ids uuid[]) IS 'Pending orders of the batches whose first orders by id these are, and how long each is overdue.';

CREATE FUNCTION rowlock.close_event(p_event_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    perform rowlock._steer_event(p_event_id, 'closed', 'rowlock.close_event', null);
end
$$;

COMMENT ON FUNCTION rowlock.close_event(p_event_id bigint) IS 'Closes an event for good; pending orders may still be paid.';

CREATE FUNCTION rowlock.create_event(p_event jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    return rowlock._create_event(p_event, 'rowlock.create_event', null);
end
$$;

COMMENT ON FUNCTION rowlock.create_event(p_event jsonb) IS 'Creates a draft event with its sections, rows and seats; answers its id.';

CREATE FUNCTION rowlock.event_availability(p_event_id bigint) RETURNS TABLE(section_no integer, code text, revision bigint, statuses text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
begin
    return query
    select s.section_no, s.code, s.revision, rowlock._section_statuses(s.event_id, s.section_no)
    from rowlock.sections as s
    where s.event_id = p_event_id
    order by s.section_no;
end
$$;

COMMENT ON FUNCTION rowlock.event_availability(p_event_id bigint) IS 'Reads the status of every seat of an event, one text a section.';

CREATE FUNCTION rowlock.event_layout(p_event_id bigint) RETURNS TABLE(section_no integer, code text, name text, price_minor bigint, capacity integer, row_labels text[], row_first_seats integer[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
#variable_conflict use_column
begin
    return query
    select s.section_no, s.code, s.name, s.price_minor, s.capacity, r.labels, r.first_seats
    from rowlock.sections as s
    cross join lateral (
        select array_agg(o.label) as labels, array_agg(o.first_seat) as first_seats
        from (
            select sr.label, sr.first_seat
            from rowlock.section_rows as sr
            where sr.event_id = s.event_id and sr.section_no = s.section_no
            order by sr.row_no
        ) as o
    ) as r
    where s.event_id = p_event_id
    order by s.section_no;
end
$$;

COMMENT ON FUNCTION rowlock.event_layout(p_event_id bigint) IS 'Reads the sections of an event with their prices and rows, which never change.';

CREATE FUNCTION rowlock.expire_orders(p_event_id bigint, p_order_ids uuid[]) RETURNS TABLE(order_id uuid, outcome text, due_in_ms integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
#variable_conflict use_column
declare
    v_order_ids uuid[];
    v_statuses  rowlock.order_status[];
    v_left_ms   integer[];
    v_rows      tid[];
    v_due       tid[];
begin
    -- "between" and the order keep to the primary key, as _check_claims explains.
    select array_agg(i.order_id), array_agg(o.status), array_agg(o.left_ms), array_agg(o.order_row)
    into v_order_ids, v_statuses, v_left_ms, v_rows
    from (select distinct i.order_id from unnest(p_order_ids) as i (order_id) order by i.order_id) i
    left join lateral (
        select o.ctid as order_row, o.status,
            least(greatest(ceil(extract(epoch from o.expires_at - clock_timestamp()) * 1000), 0), 2147483647)::integer as left_ms
        from rowlock.orders o
        where o.event_id = p_event_id and o.order_id between i.order_id and i.order_id
        order by o.order_id
        limit 1
        for update
    ) o on true;

    select array_agg(o.order_row) into v_due
    from unnest(v_rows, v_statuses, v_left_ms) as o (order_row, status, left_ms)
    where o.status = 'pending_payment' and o.left_ms = 0;

    if v_due is not null then
        perform rowlock._release_orders(p_event_id, v_due, 'expired', date_trunc('milliseconds', clock_timestamp()));
    end if;

    if exists (select from rowlock.expiry_failures f where f.event_id = p_event_id) then
        delete from rowlock.expiry_failures f
        using unnest(v_order_ids, v_statuses, v_left_ms) as o (order_id, status, left_ms)
        where f.event_id = p_event_id and f.order_id = o.order_id and (o.status <> 'pending_payment' or o.left_ms = 0);
    end if;

    return query
    select o.order_id,
        case when o.status is null then 'order_not_found'
            when o.status <> 'pending_payment' then 'not_pending'
            when o.left_ms > 0 then 'not_due'
            else 'expired' end,
        case when o.status = 'pending_payment' and o.left_ms > 0 then o.left_ms end
    from unnest(v_order_ids, v_statuses, v_left_ms) as o (order_id, status, left_ms);
end
$$;

COMMENT ON FUNCTION rowlock.expire_orders(p_event_id bigint, p_order_ids uuid[]) IS 'Expires overdue pending orders of one event and puts their seats on sale again.';

CREATE FUNCTION rowlock.find_api_key(p_hash bytea) RETURNS TABLE(api_key_id bigint, name text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
#variable_conflict use_column
begin
    return query
    select k.api_key_id, k.name
    from rowlock.api_keys as k
    where k.hash = p_hash and k.revoked_at is null;
end
$$;

COMMENT ON FUNCTION rowlock.find_api_key(p_hash bytea) IS 'Finds an API key that still works by its SHA-256.';

CREATE FUNCTION rowlock.get_event(p_event_id bigint) RETURNS SETOF rowlock.event_row
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
    return query
    select
        e.event_id, e.name, e.venue, e.starts_at, e.on_sale_at, e.status::text, e.window_ms, e.seats_per_customer, e.currency,
        e.created_at, e.updated_at
    from rowlock.events as e
    where e.event_id = p_event_id;
end
$$;

COMMENT ON FUNCTION rowlock.get_event(p_event_id bigint) IS 'Reads one event, drafts included; no row if there is none.';

CREATE FUNCTION rowlock.get_order(p_event_id bigint, p_order_id uuid, p_customer_id text) RETURNS SETOF rowlock.order_row
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    AS $$
begin
    -- "between" and the order keep to the primary key, as _check_claims explains.
    return query
    select o.event_id, o.order_id, o.customer_id, o.status::text, o.section_nos, o.seat_nos, o.amount_minor, e.currency,
        o.created_at, o.expires_at, o.ended_at
    from rowlock.orders o
    join rowlock.events e on e.event_id = o.event_id
    where o.event_id = p_event_id and o.order_id between p_order_id and p_order_id
        and (p_customer_id is null or o.customer_id = p_customer_id)
    order by o.order_id
    limit 1;
end
$$;

COMMENT ON FUNCTION rowlock.get_order(p_event_id bigint, p_order_id uuid, p_customer_id text) IS 'One order: a customer''s own, or anybody''s when no customer is given.';

CREATE FUNCTION rowlock.list_dead_letters(p_event_id bigint, p_limit integer) RETURNS TABLE(event_id bigint, order_id uuid, attempts integer, last_error text, first_failed_at timestamp with time zone, last_failed_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
#variable_conflict use_column
begin
    return query
    select f.event_id, f.order_id, f.attempts, f.last_error, f.first_failed_at, f.last_failed_at
    from rowlock.expiry_failures f
    where f.retry_at is null and (p_event_id is null or f.event_id = p_event_id)
    order by f.last_failed_at desc, f.event_id, f.order_id
    limit least(greatest(coalesce(p_limit, 100), 1), 1000);
end
$$;

COMMENT ON FUNCTION rowlock.list_dead_letters(p_event_id bigint, p_limit integer) IS 'Expiries given up after their retries, the latest first.';

CREATE FUNCTION rowlock.list_events(p_after_event_id bigint, p_limit integer) RETURNS SETOF rowlock.event_row
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
    return query
    select
        e.event_id, e.name, e.venue, e.starts_at, e.on_sale_at, e.status::text, e.window_ms, e.seats_per_customer, e.currency,
        e.created_at, e.updated_at
    from rowlock.events as e
    where e.event_id > coalesce(p_after_event_id, 0) and e.status <> 'draft'
    order by e.event_id
    limit least(greatest(coalesce(p_limit, 100), 1), 1000);
end
$$;

COMMENT ON FUNCTION rowlock.list_events(p_after_event_id bigint, p_limit integer) IS 'Lists events that are no drafts, oldest first, a page at a time.';

CREATE FUNCTION rowlock.list_orders(p_event_id bigint, p_customer_id text, p_status text, p_after_order_id uuid, p_limit integer) RETURNS SETOF rowlock.order_row
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
#variable_conflict use_column
declare
    v_limit  constant integer := least(greatest(coalesce(p_limit, 100), 1), 1000);
    v_status rowlock.order_status;
    v_ids    uuid[];
begin
    if p_status is not null and p_status <> all (enum_range(null::rowlock.order_status)::text[]) then
        perform rowlock._invalid_input('status', 'must be a status of an order');
    end if;
    v_status := p_status::rowlock.order_status;

    if p_customer_id is not null then
        v_ids := array(
            select o.order_id from rowlock.orders o where o.event_id = p_event_id and o.customer_id = p_customer_id and o.is_live
            union all
            select o.order_id from rowlock.orders o where o.event_id = p_event_id and o.customer_id = p_customer_id and not o.is_live);
    end if;

    return query
    select o.event_id, o.order_id, o.customer_id, o.status::text, o.section_nos, o.seat_nos, o.amount_minor, e.currency,
        o.created_at, o.expires_at, o.ended_at
    from rowlock.orders o
    join rowlock.events e on e.event_id = o.event_id
    where o.event_id = p_event_id
        and (v_ids is null or o.order_id = any (v_ids))
        and (v_status is null or o.status = v_status)
        and (p_after_order_id is null or o.order_id < p_after_order_id)
    order by o.order_id desc
    limit v_limit;
end
$$;

COMMENT ON FUNCTION rowlock.list_orders(p_event_id bigint, p_customer_id text, p_status text, p_after_order_id uuid, p_limit integer) IS 'Orders of an event, the newest first, a page at a time: a customer''s own or everybody''s.';

CREATE FUNCTION rowlock.migration_state() RETURNS TABLE(version integer, files integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_history regclass := to_regclass('public.refinery_schema_history');
    v_version integer := 0;
begin
    if v_history is not null then
        execute format('select coalesce(max(h.version), 0)::integer from %s as h', v_history) into v_version;
    end if;
    return query
    select v_version, count(*)::integer from rowlock.applied_files;
end
$$;

COMMENT ON FUNCTION rowlock.migration_state() IS 'Says how far the database is migrated.';

CREATE FUNCTION rowlock.open_event(p_event_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    perform rowlock._steer_event(p_event_id, 'open', 'rowlock.open_event', null);
end
$$;

COMMENT ON FUNCTION rowlock.open_event(p_event_id bigint) IS 'Opens a draft or paused event for sale.';

CREATE FUNCTION rowlock.overdue_orders(p_grace_ms integer, p_limit integer) RETURNS TABLE(event_id bigint, order_id uuid, overdue_ms integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
declare
    v_now         constant timestamptz := clock_timestamp();
    v_looked_upto timestamptz := v_now - p_grace_ms * interval '1 millisecond';
    v_event_ids   bigint[];
    v_order_ids   uuid[];
    v_deadlines   timestamptz[];
begin
    -- "between" and the order keep to the primary key, as _check_claims explains.
    select array_agg(o.event_id), array_agg(o.order_id), array_agg(o.expires_at)
    into v_event_ids, v_order_ids, v_deadlines
    from (
        select d.event_id, i.order_id, d.expires_at
        from rowlock.deadlines d
        cross join unnest(d.order_ids) as i (order_id)
        cross join lateral (
            select from rowlock.orders o
            where o.event_id = d.event_id and o.order_id between i.order_id and i.order_id and o.status = 'pending_payment'
                and o.expires_at < v_looked_upto
            order by o.order_id
            limit 1
        ) o
        where d.expires_at < v_looked_upto
            and not exists (
                select
                from rowlock.expiry_failures f
                where f.event_id = d.event_id and f.order_id = i.order_id and (f.retry_at is null or f.retry_at > v_now)
            )
        order by d.expires_at
        limit p_limit
    ) o;

    if cardinality(v_deadlines) >= p_limit then
        v_looked_upto := v_deadlines[cardinality(v_deadlines)];
    end if;
    with looked_at as materialized (
        select d.ctid as deadline_row, cardinality(d.order_ids) as listed,
            array(
                select i.order_id
                from unnest(d.order_ids) as i (order_id)
                cross join lateral (
                    select from rowlock.orders o
                    where o.event_id = d.event_id and o.order_id between i.order_id and i.order_id and o.status = 'pending_payment'
                    order by o.order_id
                    limit 1
                ) o
            ) as pending
        from rowlock.deadlines d
        where d.expires_at < v_looked_upto
    ), done as (
        delete from rowlock.deadlines d
        using looked_at l
        where d.ctid = l.deadline_row and l.pending = '{}'
    )
    update rowlock.deadlines d
    set order_ids = l.pending
    from looked_at l
    where d.ctid = l.deadline_row and l.pending <> '{}' and cardinality(l.pending) < l.listed;

    return query
    select o.event_id, o.order_id, least(extract(epoch from v_now - o.expires_at) * 1000, 2147483647)::integer
    from unnest(v_event_ids, v_order_ids, v_deadlines) as o (event_id, order_id, expires_at);
end
$$;

COMMENT ON FUNCTION rowlock.overdue_orders(p_grace_ms integer, p_limit integer) IS 'Pending orders whose deadline passed more than a grace in milliseconds ago, oldest first.';

CREATE FUNCTION rowlock.pause_event(p_event_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    perform rowlock._steer_event(p_event_id, 'paused', 'rowlock.pause_event', null);
end
$$;

COMMENT ON FUNCTION rowlock.pause_event(p_event_id bigint) IS 'Pauses the sale of an open event; pending orders go on.';

CREATE FUNCTION rowlock.payment_outcome(p_event_id bigint, p_provider text, p_provider_reference text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    AS $$
begin
    return (
        select p.outcome::text
        from rowlock.payments as p
        where p.event_id = p_event_id and p.provider = p_provider and p.provider_reference = p_provider_reference
    );
end
$$;

COMMENT ON FUNCTION rowlock.payment_outcome(p_event_id bigint, p_provider text, p_provider_reference text) IS 'What became of a payment when it was settled; null if it is not recorded.';

CREATE FUNCTION rowlock.record_expiry_failure(p_event_id bigint, p_order_id uuid, p_error text, p_attempts_max integer) RETURNS TABLE(attempts integer, retry_in_ms integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_now         constant timestamptz := date_trunc('milliseconds', clock_timestamp());
    v_attempts    integer;
    v_retry_in_ms integer;
begin
    insert into rowlock.expiry_failures as f (event_id, order_id, attempts, last_error, first_failed_at, last_failed_at)
    values (p_event_id, p_order_id, 1, left(coalesce(p_error, ''), 2000), v_now, v_now)
    on conflict (event_id, order_id) do update
    set attempts = f.attempts + 1, last_error = excluded.last_error, last_failed_at = excluded.last_failed_at
    where f.retry_at <= clock_timestamp()
    returning f.attempts into v_attempts;
    if v_attempts is null then
        return query
        select f.attempts,
            case when f.retry_at is not null then greatest(ceil(extract(epoch from f.retry_at - clock_timestamp()) * 1000), 1)::integer end
        from rowlock.expiry_failures f
        where f.event_id = p_event_id and f.order_id = p_order_id;
        return;
    end if;

    if v_attempts < p_attempts_max then
        -- Beyond ten doublings the cap has long been reached.
        v_retry_in_ms := least(100 * (1 << least(v_attempts - 1, 10)), 60000);
    end if;
    update rowlock.expiry_failures f
    set retry_at = v_now + v_retry_in_ms * interval '1 millisecond'
    where f.event_id = p_event_id and f.order_id = p_order_id;
    return query select v_attempts, v_retry_in_ms;
end
$$;

COMMENT ON FUNCTION rowlock.record_expiry_failure(p_event_id bigint, p_order_id uuid, p_error text, p_attempts_max integer) IS 'Counts a failed expiry: when to retry in milliseconds, or null for a dead letter.';

CREATE FUNCTION rowlock.redrive_dead_letter(p_event_id bigint, p_order_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    perform rowlock._redrive_dead_letter(p_event_id, p_order_id, 'rowlock.redrive_dead_letter', null);
end
$$;

COMMENT ON FUNCTION rowlock.redrive_dead_letter(p_event_id bigint, p_order_id uuid) IS 'Lets a given-up expiry be tried again at once.';

CREATE FUNCTION rowlock.refunds_due(p_event_id bigint, p_limit integer) RETURNS TABLE(provider text, provider_reference text, order_id uuid, amount_minor bigint, currency text, received_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
#variable_conflict use_column
begin
    return query
    select p.provider, p.provider_reference, p.order_id, p.amount_minor, p.currency, p.received_at
    from rowlock.payments p
    where p.event_id = p_event_id and p.outcome = 'refund_due' and p.refunded_at is null
    order by p.received_at, p.provider, p.provider_reference
    limit least(greatest(coalesce(p_limit, 1000), 1), 10000);
end
$$;

COMMENT ON FUNCTION rowlock.refunds_due(p_event_id bigint, p_limit integer) IS 'Money of an event that is owed back, the oldest first.';

CREATE FUNCTION rowlock.sales_report(p_event_id bigint) RETURNS TABLE(section_no integer, code text, name text, price_minor bigint, currency text, capacity integer, available integer, held integer, sold integer, blocked integer, revenue_minor bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
#variable_conflict use_column
begin
    return query
    select
        s.section_no, s.code, s.name, s.price_minor, e.currency,
        s.capacity, s.available, s.held, s.sold, s.blocked, s.sold * s.price_minor
    from rowlock.events as e
    join rowlock.sections as s on s.event_id = e.event_id
    where e.event_id = p_event_id
    order by s.section_no;
end
$$;

COMMENT ON FUNCTION rowlock.sales_report(p_event_id bigint) IS 'Reports seats and revenue of an event by section.';

CREATE FUNCTION rowlock.section_seats(p_event_id bigint, p_section_no integer) RETURNS TABLE(revision bigint, statuses text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
begin
    return query
    select s.revision, rowlock._section_statuses(s.event_id, s.section_no)
    from rowlock.sections as s
    where s.event_id = p_event_id and s.section_no = p_section_no;
end
$$;

COMMENT ON FUNCTION rowlock.section_seats(p_event_id bigint, p_section_no integer) IS 'Reads the status of every seat of a section, one character a seat, with its revision.';

CREATE FUNCTION rowlock.section_summary(p_event_id bigint) RETURNS TABLE(section_no integer, code text, name text, price_minor bigint, currency text, capacity integer, available integer, revision bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
#variable_conflict use_column
begin
    return query
    select s.section_no, s.code, s.name, s.price_minor, e.currency, s.capacity, s.available, s.revision
    from rowlock.events as e
    join rowlock.sections as s on s.event_id = e.event_id
    where e.event_id = p_event_id
    order by s.section_no;
end
$$;

COMMENT ON FUNCTION rowlock.section_summary(p_event_id bigint) IS 'Reads how many seats each section of an event has on sale.';

CREATE FUNCTION rowlock.settle_payments(p_event_id bigint, p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[]) RETURNS TABLE(notice_no integer, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
#variable_conflict use_column
declare
    v_at         timestamptz;
    v_payable    tid[];
    v_one_by_one integer[];
    v_fresh      integer[];
    v_outcomes   text[];
    v_no         integer;
begin
    perform rowlock._check_notices(p_order_ids, p_providers, p_provider_references, p_amounts_minor, p_currencies, p_succeeded);
    if not exists (select from rowlock.events e where e.event_id = p_event_id) then
        return query select n, 'event_not_found' from generate_series(1, cardinality(p_order_ids)) as n;
        return;
    end if;

    select r.payable_order_rows, coalesce(r.one_by_one, '{}'), coalesce(r.fresh, '{}')
    into v_payable, v_one_by_one, v_fresh
    from rowlock._record_payments(p_event_id, p_order_ids, p_providers, p_provider_references, p_amounts_minor, p_currencies,
        p_succeeded) r;

    v_at := date_trunc('milliseconds', clock_timestamp());
    v_outcomes := array_fill('paid'::text, array[cardinality(p_order_ids)]);
    if cardinality(v_one_by_one) > 0 then
        perform rowlock._lock_settlement(p_event_id, p_order_ids);
    end if;
    if v_payable is not null then
        perform rowlock._pay_orders(p_event_id, v_payable, 'held', v_at);
    end if;
    foreach v_no in array v_one_by_one loop
        v_outcomes[v_no] := rowlock._settle_payment(p_event_id, p_order_ids[v_no], p_providers[v_no], p_provider_references[v_no],
            p_amounts_minor[v_no], p_currencies[v_no], p_succeeded[v_no], v_no = any (v_fresh), v_at);
    end loop;
    return query select o.no::integer, o.outcome from unnest(v_outcomes) with ordinality as o (outcome, no);
end
$$;

COMMENT ON FUNCTION rowlock.settle_payments(p_event_id bigint, p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[]) IS 'Records payment notices of one event and pays their orders; one outcome a notice.';

CREATE FUNCTION rowlock.try_lead_sweep() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
begin
    return pg_try_advisory_xact_lock(3, 0);
end
$$;

COMMENT ON FUNCTION rowlock.try_lead_sweep() IS 'True for the one transaction that may sweep for overdue orders.';

CREATE FUNCTION rowlock.unblock_seats(p_event_id bigint, p_section_no integer, p_seat_nos integer[]) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    AS $$
    select rowlock._change_blocked(p_event_id, array_fill(p_section_no, array[cardinality(p_seat_nos)]), p_seat_nos, 'blocked', 'available',
                                   'rowlock.unblock_seats', null)
$$;

COMMENT ON FUNCTION rowlock.unblock_seats(p_event_id bigint, p_section_no integer, p_seat_nos integer[]) IS 'Puts blocked seats of one section on sale again, all or none; answers how many changed.';

CREATE TABLE rowlock.admin_actions (
    action_id bigint NOT NULL,
    acted_at timestamp with time zone NOT NULL,
    login_role text NOT NULL,
    function text NOT NULL,
    event_id bigint,
    order_id uuid,
    reason text,
    arguments jsonb NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    CONSTRAINT admin_actions_reason_check CHECK (((reason ~ '\S'::text) AND (char_length(reason) <= 500)))
);

COMMENT ON TABLE rowlock.admin_actions IS 'What operators changed, one row a call, written in the transaction that made the change. Nobody is granted to change it.';

COMMENT ON COLUMN rowlock.admin_actions.action_id IS 'Grows; gaps are calls that were undone.';

COMMENT ON COLUMN rowlock.admin_actions.acted_at IS 'When the change was made.';

COMMENT ON COLUMN rowlock.admin_actions.login_role IS 'Who was logged in (session_user), whatever role was set: an operator, or the login of a server.';

COMMENT ON COLUMN rowlock.admin_actions.function IS 'What was called: admin.… from psql; rowlock.… by a server for its API, or by the command line.';

COMMENT ON COLUMN rowlock.admin_actions.event_id IS 'The event concerned, if there is one.';

COMMENT ON COLUMN rowlock.admin_actions.order_id IS 'The order concerned, if there is one.';

COMMENT ON COLUMN rowlock.admin_actions.reason IS 'Why, in the operator''s words; null for what came through the API or the command line, which ask for none.';

COMMENT ON COLUMN rowlock.admin_actions.arguments IS 'What else the call was given.';

COMMENT ON COLUMN rowlock.admin_actions.before IS 'What the call changed, as it was.';

COMMENT ON COLUMN rowlock.admin_actions.after IS 'What the call changed, as it became; the same as before if it changed nothing.';

CREATE VIEW admin.action_log WITH (security_barrier='true') AS
 SELECT a.action_id,
    a.acted_at,
    a.login_role,
    a.function,
    a.event_id,
    a.order_id,
        CASE
            WHEN ( SELECT pg_has_role('rowlock_admin'::name, 'usage'::text) AS pg_has_role) THEN a.reason
            ELSE NULL::text
        END AS reason,
    a.arguments,
    a.before,
    a.after
   FROM rowlock.admin_actions a;

COMMENT ON VIEW admin.action_log IS 'What operators changed, one row a call. For rowlock_admin and rowlock_readonly, who sees no reasons.';

COMMENT ON COLUMN admin.action_log.action_id IS 'Grows; gaps are calls that were undone.';

COMMENT ON COLUMN admin.action_log.acted_at IS 'When the change was made.';

COMMENT ON COLUMN admin.action_log.login_role IS 'Who was logged in: an operator, or the login of a server.';

COMMENT ON COLUMN admin.action_log.function IS 'What was called: admin.… from psql; rowlock.… by a server for its API, or by the command line.';

COMMENT ON COLUMN admin.action_log.event_id IS 'The event concerned, if there is one.';

COMMENT ON COLUMN admin.action_log.order_id IS 'The order concerned, if there is one.';

COMMENT ON COLUMN admin.action_log.reason IS 'Why, in the operator''s words; null if none was asked for, or for others than rowlock_admin.';

COMMENT ON COLUMN admin.action_log.arguments IS 'What else the call was given.';

COMMENT ON COLUMN admin.action_log.before IS 'What the call changed, as it was.';

COMMENT ON COLUMN admin.action_log.after IS 'What the call changed, as it became.';

CREATE TABLE rowlock.applied_files (
    path text NOT NULL,
    checksum bytea NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

COMMENT ON TABLE rowlock.applied_files IS 'The function and view files as last applied, so that unchanged ones are skipped.';

COMMENT ON COLUMN rowlock.applied_files.path IS 'Path below sql/.';

COMMENT ON COLUMN rowlock.applied_files.checksum IS 'SHA-256 of the file.';

COMMENT ON COLUMN rowlock.applied_files.applied_at IS 'When it was applied.';

CREATE TABLE rowlock.releases (
    version text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT releases_version_check CHECK ((version ~ '^[0-9]+[.][0-9]+[.][0-9]+'::text))
);

COMMENT ON TABLE rowlock.releases IS 'The releases that have migrated this database: an older one must not put its functions back.';

COMMENT ON COLUMN rowlock.releases.version IS 'Version of the rowlock binary.';

COMMENT ON COLUMN rowlock.releases.applied_at IS 'When it first migrated this database.';

CREATE VIEW admin.database_settings AS
 WITH wanted(place, name, good) AS (
         VALUES (1,'fsync'::text,'on'::text), (2,'synchronous_commit'::text,'on'::text), (3,'full_page_writes'::text,'on'::text), (4,'max_locks_per_transaction'::text,'128 or more'::text), (5,'max_connections'::text,'4 for each lane of each server, and its pool'::text), (6,'default_transaction_isolation'::text,'read committed'::text), (7,'statement_timeout'::text,NULL::text), (8,'lock_timeout'::text,NULL::text), (9,'idle_in_transaction_session_timeout'::text,NULL::text), (10,'server_version'::text,'15 or newer'::text)
        )
 SELECT w.place,
    w.name,
    'server'::text AS applies_to,
    (s.reset_val || COALESCE((' '::text || s.unit), ''::text)) AS value,
    w.good AS should_be
   FROM (wanted w
     JOIN pg_settings s ON ((s.name = w.name)))
UNION ALL
 SELECT w.place,
    w.name,
    concat_ws(' '::text, ('login '::text || (r.rolname)::text), ('database '::text || (d.datname)::text)) AS applies_to,
    split_part(c.setting, '='::text, 2) AS value,
    w.good AS should_be
   FROM ((((wanted w
     JOIN pg_db_role_setting g ON (true))
     CROSS JOIN LATERAL unnest(g.setconfig) c(setting))
     LEFT JOIN pg_roles r ON ((r.oid = g.setrole)))
     LEFT JOIN pg_database d ON ((d.oid = g.setdatabase)))
  WHERE ((split_part(c.setting, '='::text, 1) = w.name) AND ((g.setdatabase = (0)::oid) OR (d.datname = current_database())))
UNION ALL
 SELECT 20 AS place,
    'migration'::text AS name,
    'rowlock'::text AS applies_to,
    (COALESCE(max(h.version), 0))::text AS value,
    NULL::text AS should_be
   FROM public.refinery_schema_history h
UNION ALL
 SELECT 21 AS place,
    'function and view files'::text AS name,
    'rowlock'::text AS applies_to,
    (count(*))::text AS value,
    NULL::text AS should_be
   FROM rowlock.applied_files
UNION ALL
( SELECT 22 AS place,
    'release'::text AS name,
    'rowlock'::text AS applies_to,
    r.version AS value,
    NULL::text AS should_be
   FROM rowlock.releases r
  ORDER BY r.applied_at DESC
 LIMIT 1)
  ORDER BY 1, 2, 3;

COMMENT ON VIEW admin.database_settings IS 'PostgreSQL''s settings that the promises rest on, and how far the database is migrated. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.database_settings.place IS 'Keeps the lines in order.';

COMMENT ON COLUMN admin.database_settings.name IS 'The setting, or what is counted.';

COMMENT ON COLUMN admin.database_settings.applies_to IS 'server: for everybody without a line of their own; a login, a database, or both.';

COMMENT ON COLUMN admin.database_settings.value IS 'What a new session gets, with its unit.';

COMMENT ON COLUMN admin.database_settings.should_be IS 'What it should be; null if any value will do.';

CREATE TABLE rowlock.expiry_failures (
    event_id bigint NOT NULL,
    order_id uuid NOT NULL,
    attempts integer NOT NULL,
    last_error text NOT NULL,
    first_failed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_failed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    retry_at timestamp with time zone,
    CONSTRAINT expiry_failures_attempts_check CHECK ((attempts >= 1))
);

COMMENT ON TABLE rowlock.expiry_failures IS 'Orders whose expiry raised an error. Without a retry_at they are dead letters: kept until somebody redrives them.';

COMMENT ON COLUMN rowlock.expiry_failures.event_id IS 'The event of the order.';

COMMENT ON COLUMN rowlock.expiry_failures.order_id IS 'The order that could not be expired.';

COMMENT ON COLUMN rowlock.expiry_failures.attempts IS 'How many attempts failed.';

COMMENT ON COLUMN rowlock.expiry_failures.last_error IS 'What the last attempt said.';

COMMENT ON COLUMN rowlock.expiry_failures.first_failed_at IS 'When the first attempt failed.';

COMMENT ON COLUMN rowlock.expiry_failures.last_failed_at IS 'When the last attempt failed.';

COMMENT ON COLUMN rowlock.expiry_failures.retry_at IS 'When the next attempt is due; null: a dead letter.';

CREATE TABLE rowlock.orders (
    event_id bigint NOT NULL,
    order_id uuid NOT NULL,
    customer_id text NOT NULL COLLATE pg_catalog."C",
    status rowlock.order_status DEFAULT 'pending_payment'::rowlock.order_status NOT NULL,
    section_nos integer[] NOT NULL,
    seat_nos integer[] NOT NULL,
    amount_minor bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    idempotency_key text COLLATE pg_catalog."C",
    fingerprint bytea,
    is_live boolean GENERATED ALWAYS AS ((status = ANY (ARRAY['pending_payment'::rowlock.order_status, 'paid'::rowlock.order_status]))) STORED NOT NULL,
    CONSTRAINT orders_amount_minor_check CHECK ((amount_minor >= 0)),
    CONSTRAINT orders_check CHECK (((cardinality(seat_nos) = cardinality(section_nos)) AND ((cardinality(seat_nos) >= 1) AND (cardinality(seat_nos) <= 100)))),
    CONSTRAINT orders_check1 CHECK ((expires_at > created_at)),
    CONSTRAINT orders_check2 CHECK (((status = 'pending_payment'::rowlock.order_status) = (ended_at IS NULL))),
    CONSTRAINT orders_check3 CHECK (((idempotency_key IS NULL) = (fingerprint IS NULL))),
    CONSTRAINT orders_customer_id_check CHECK (((char_length(customer_id) >= 1) AND (char_length(customer_id) <= 200))),
    CONSTRAINT orders_idempotency_key_check CHECK (((char_length(idempotency_key) >= 1) AND (char_length(idempotency_key) <= 200)))
)
WITH (fillfactor='45');

COMMENT ON TABLE rowlock.orders IS 'One claim a row: who claimed which seats, for how much, until when, and how it ended.';

COMMENT ON COLUMN rowlock.orders.event_id IS 'The event whose seats it claims.';

COMMENT ON COLUMN rowlock.orders.order_id IS 'UUIDv7, chosen by the server before the claim, so that a lost answer can be looked up.';

COMMENT ON COLUMN rowlock.orders.customer_id IS 'The buyer: the sub of the bearer token.';

COMMENT ON COLUMN rowlock.orders.status IS 'pending_payment, or how it ended.';

COMMENT ON COLUMN rowlock.orders.section_nos IS 'Sections of its seats, in step with seat_nos.';

COMMENT ON COLUMN rowlock.orders.seat_nos IS 'Numbers of its seats; the list never changes.';

COMMENT ON COLUMN rowlock.orders.amount_minor IS 'Sum of the prices of its seats, in minor units of the event''s currency.';

COMMENT ON COLUMN rowlock.orders.created_at IS 'When the claim succeeded (the database''s clock).';

COMMENT ON COLUMN rowlock.orders.expires_at IS 'The deadline for the payment.';

COMMENT ON COLUMN rowlock.orders.ended_at IS 'When it last left a state: paid, expired, cancelled, or found to need a refund.';

COMMENT ON COLUMN rowlock.orders.idempotency_key IS 'What the client sent to make a retry harmless; unique for an event and customer.';

COMMENT ON COLUMN rowlock.orders.fingerprint IS 'SHA-256 of the request the key came with: the same key with another body is refused.';

COMMENT ON COLUMN rowlock.orders.is_live IS 'Whether it holds or owns its seats: pending or paid.';

CREATE TABLE rowlock.pseudonym_key (
    is_only boolean DEFAULT true NOT NULL,
    key bytea NOT NULL,
    CONSTRAINT pseudonym_key_is_only_check CHECK (is_only),
    CONSTRAINT pseudonym_key_key_check CHECK ((octet_length(key) = 32))
);

COMMENT ON TABLE rowlock.pseudonym_key IS 'The secret that turns customer ids into what rowlock_readonly sees. One row.';

COMMENT ON COLUMN rowlock.pseudonym_key.is_only IS 'True: there is only one.';

COMMENT ON COLUMN rowlock.pseudonym_key.key IS '32 bytes, 244 of their bits random. Another key means other pseudonyms.';

CREATE VIEW admin.dead_letters WITH (security_barrier='true') AS
 SELECT f.event_id,
    f.order_id,
        CASE
            WHEN ( SELECT pg_has_role('rowlock_admin'::name, 'usage'::text) AS pg_has_role) THEN o.customer_id
            ELSE ('c-'::text || "left"(encode(sha256((( SELECT k.key
               FROM rowlock.pseudonym_key k) || convert_to(o.customer_id, 'UTF8'::name))), 'hex'::text), 16))
        END AS customer,
    (o.status)::text AS order_status,
    cardinality(o.seat_nos) AS seats,
    f.attempts,
        CASE
            WHEN ( SELECT pg_has_role('rowlock_admin'::name, 'usage'::text) AS pg_has_role) THEN f.last_error
            ELSE NULL::text
        END AS last_error,
    f.first_failed_at,
    f.last_failed_at
   FROM (rowlock.expiry_failures f
     LEFT JOIN rowlock.orders o ON (((o.event_id = f.event_id) AND (o.order_id = f.order_id))))
  WHERE (f.retry_at IS NULL)
  ORDER BY f.last_failed_at DESC, f.event_id, f.order_id;

COMMENT ON VIEW admin.dead_letters IS 'Orders whose expiry was given up; their seats stay held. For rowlock_admin and rowlock_readonly, who sees pseudonyms for customers.';

COMMENT ON COLUMN admin.dead_letters.event_id IS 'The event.';

COMMENT ON COLUMN admin.dead_letters.order_id IS 'The order that could not be expired.';

COMMENT ON COLUMN admin.dead_letters.customer IS 'Its buyer: the id for rowlock_admin, a pseudonym for others.';

COMMENT ON COLUMN admin.dead_letters.order_status IS 'What the order is; pending_payment while its seats are held.';

COMMENT ON COLUMN admin.dead_letters.seats IS 'How many seats it claimed.';

COMMENT ON COLUMN admin.dead_letters.attempts IS 'How many attempts failed.';

COMMENT ON COLUMN admin.dead_letters.last_error IS 'What the last attempt said; for rowlock_admin only.';

COMMENT ON COLUMN admin.dead_letters.first_failed_at IS 'When the first attempt failed.';

COMMENT ON COLUMN admin.dead_letters.last_failed_at IS 'When the last attempt failed.';

CREATE TABLE rowlock.events (
    event_id bigint NOT NULL,
    name text NOT NULL,
    venue text DEFAULT ''::text NOT NULL,
    starts_at timestamp with time zone,
    on_sale_at timestamp with time zone,
    status rowlock.event_status DEFAULT 'draft'::rowlock.event_status NOT NULL,
    window_ms integer DEFAULT 10000 NOT NULL,
    seats_per_customer integer DEFAULT 10 NOT NULL,
    currency text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT events_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT events_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT events_seats_per_customer_check CHECK (((seats_per_customer >= 1) AND (seats_per_customer <= 1000))),
    CONSTRAINT events_venue_check CHECK ((char_length(venue) <= 200)),
    CONSTRAINT events_window_ms_check CHECK (((window_ms >= 1000) AND (window_ms <= 86400000)))
);

COMMENT ON TABLE rowlock.events IS 'One concert session on sale a row.';

COMMENT ON COLUMN rowlock.events.event_id IS 'The first column of every key: an event lives in one database as a whole.';

COMMENT ON COLUMN rowlock.events.name IS 'What people call it, 1 to 200 characters.';

COMMENT ON COLUMN rowlock.events.venue IS 'Where it takes place, at most 200 characters.';

COMMENT ON COLUMN rowlock.events.starts_at IS 'When the concert begins, if known.';

COMMENT ON COLUMN rowlock.events.on_sale_at IS 'No claim succeeds before this moment; null: as soon as the event is open.';

COMMENT ON COLUMN rowlock.events.status IS 'Seats are sold only while open.';

COMMENT ON COLUMN rowlock.events.window_ms IS 'How long a pending order holds its seats, in milliseconds, 1 s to 24 h.';

COMMENT ON COLUMN rowlock.events.seats_per_customer IS 'How many seats one customer may hold and own together, over all orders.';

COMMENT ON COLUMN rowlock.events.currency IS 'ISO 4217 code; every price of the event is in its minor units.';

COMMENT ON COLUMN rowlock.events.created_at IS 'When the event was created.';

COMMENT ON COLUMN rowlock.events.updated_at IS 'When its settings last changed.';

CREATE VIEW admin.event_settings AS
 SELECT e.event_id,
    e.name,
    e.venue,
    (e.status)::text AS status,
    e.window_ms,
    e.seats_per_customer,
    e.currency,
    e.on_sale_at,
    e.starts_at,
    e.created_at,
    e.updated_at
   FROM rowlock.events e
  ORDER BY e.event_id;

COMMENT ON VIEW admin.event_settings IS 'Each event''s settings. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.event_settings.event_id IS 'The event.';

COMMENT ON COLUMN admin.event_settings.name IS 'What people call it.';

COMMENT ON COLUMN admin.event_settings.venue IS 'Where it takes place.';

COMMENT ON COLUMN admin.event_settings.status IS 'draft, open, paused or closed.';

COMMENT ON COLUMN admin.event_settings.window_ms IS 'How long a new order holds its seats, in milliseconds.';

COMMENT ON COLUMN admin.event_settings.seats_per_customer IS 'How many seats one customer may hold and own together.';

COMMENT ON COLUMN admin.event_settings.currency IS 'ISO 4217 code of its prices.';

COMMENT ON COLUMN admin.event_settings.on_sale_at IS 'No claim succeeds before this moment; null: as soon as it is open.';

COMMENT ON COLUMN admin.event_settings.starts_at IS 'When the concert begins, if known.';

COMMENT ON COLUMN admin.event_settings.created_at IS 'When the event was created.';

COMMENT ON COLUMN admin.event_settings.updated_at IS 'When its settings last changed.';

CREATE VIEW admin.house_now AS
SELECT
    NULL::bigint AS event_id,
    NULL::text AS name,
    NULL::text AS status,
    NULL::text AS currency,
    NULL::bigint AS capacity,
    NULL::bigint AS available,
    NULL::bigint AS held,
    NULL::bigint AS sold,
    NULL::bigint AS blocked,
    NULL::numeric AS sold_percent,
    NULL::bigint AS revenue_minor;

COMMENT ON VIEW admin.house_now IS 'Each event''s seats by what they are now. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.house_now.event_id IS 'The event.';

COMMENT ON COLUMN admin.house_now.name IS 'What people call it.';

COMMENT ON COLUMN admin.house_now.status IS 'draft, open, paused or closed.';

COMMENT ON COLUMN admin.house_now.currency IS 'ISO 4217 code of the revenue.';

COMMENT ON COLUMN admin.house_now.capacity IS 'All its seats.';

COMMENT ON COLUMN admin.house_now.available IS 'Seats on sale.';

COMMENT ON COLUMN admin.house_now.held IS 'Seats held by pending orders.';

COMMENT ON COLUMN admin.house_now.sold IS 'Seats sold.';

COMMENT ON COLUMN admin.house_now.blocked IS 'Seats kept back by the box office.';

COMMENT ON COLUMN admin.house_now.sold_percent IS 'Sold seats of all seats, in percent.';

COMMENT ON COLUMN admin.house_now.revenue_minor IS 'Prices of the sold seats together, in minor units.';

CREATE TABLE rowlock.deadlines (
    event_id bigint NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    first_order_id uuid NOT NULL,
    order_ids uuid[] NOT NULL,
    CONSTRAINT deadlines_order_ids_check CHECK ((cardinality(order_ids) >= 1))
)
WITH (toast_tuple_target='8160');
ALTER TABLE ONLY rowlock.deadlines ALTER COLUMN order_ids SET STORAGE EXTERNAL;

COMMENT ON TABLE rowlock.deadlines IS 'Orders by deadline: every pending order is listed, one row for all that were claimed together.';

COMMENT ON COLUMN rowlock.deadlines.event_id IS 'The event of the orders.';

COMMENT ON COLUMN rowlock.deadlines.expires_at IS 'Their deadline.';

COMMENT ON COLUMN rowlock.deadlines.first_order_id IS 'One of them, to tell batches with the same deadline apart.';

COMMENT ON COLUMN rowlock.deadlines.order_ids IS 'The orders; those that have ended may be missing.';

CREATE TABLE rowlock.payments (
    event_id bigint NOT NULL,
    provider text NOT NULL COLLATE pg_catalog."C",
    provider_reference text NOT NULL COLLATE pg_catalog."C",
    order_id uuid NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    status rowlock.payment_status NOT NULL,
    outcome rowlock.payment_outcome NOT NULL,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    refunded_at timestamp with time zone,
    CONSTRAINT payments_amount_minor_check CHECK ((amount_minor >= 0)),
    CONSTRAINT payments_check CHECK (((status = 'failed'::rowlock.payment_status) = (outcome = 'failed_recorded'::rowlock.payment_outcome))),
    CONSTRAINT payments_check1 CHECK (((refunded_at IS NULL) OR (outcome = 'refund_due'::rowlock.payment_outcome))),
    CONSTRAINT payments_provider_check CHECK (((char_length(provider) >= 1) AND (char_length(provider) <= 100))),
    CONSTRAINT payments_provider_reference_check CHECK (((char_length(provider_reference) >= 1) AND (char_length(provider_reference) <= 200)))
);

COMMENT ON TABLE rowlock.payments IS 'One notice of a payment gateway a row, with what became of it. Money is never turned away unrecorded.';

COMMENT ON COLUMN rowlock.payments.event_id IS 'The event it pays for.';

COMMENT ON COLUMN rowlock.payments.provider IS 'The gateway''s name.';

COMMENT ON COLUMN rowlock.payments.provider_reference IS 'The gateway''s id of the payment: the same id is the same money.';

COMMENT ON COLUMN rowlock.payments.order_id IS 'The order the notice named; it may be one that does not exist.';

COMMENT ON COLUMN rowlock.payments.amount_minor IS 'What was paid, in minor units.';

COMMENT ON COLUMN rowlock.payments.currency IS 'ISO 4217 code of the money.';

COMMENT ON COLUMN rowlock.payments.status IS 'What the gateway said: succeeded or failed.';

COMMENT ON COLUMN rowlock.payments.outcome IS 'paid and late_reclaimed bought the seats; refund_due is owed back; failed_recorded moved no money.';

COMMENT ON COLUMN rowlock.payments.received_at IS 'When the notice was settled.';

COMMENT ON COLUMN rowlock.payments.refunded_at IS 'When the money went back, for a refund that was due.';

CREATE TABLE rowlock.seats (
    event_id bigint NOT NULL,
    section_no integer NOT NULL,
    seat_no integer NOT NULL,
    status rowlock.seat_status DEFAULT 'available'::rowlock.seat_status NOT NULL,
    order_id uuid,
    filler bytea DEFAULT decode(repeat('00'::text, 87), 'hex'::text),
    CONSTRAINT seats_check CHECK (((status = ANY (ARRAY['held'::rowlock.seat_status, 'sold'::rowlock.seat_status])) = (order_id IS NOT NULL)))
)
WITH (fillfactor='66');
ALTER TABLE ONLY rowlock.seats ALTER COLUMN filler SET STORAGE PLAIN;

COMMENT ON TABLE rowlock.seats IS 'One row a seat, naming at most one order: the first of the two walls against selling it twice.';

COMMENT ON COLUMN rowlock.seats.event_id IS 'The event it belongs to.';

COMMENT ON COLUMN rowlock.seats.section_no IS 'The section it belongs to.';

COMMENT ON COLUMN rowlock.seats.seat_no IS 'Its number within the section, from 1.';

COMMENT ON COLUMN rowlock.seats.status IS 'available, held, sold or blocked.';

COMMENT ON COLUMN rowlock.seats.order_id IS 'The order that holds or owns it; null when neither.';

COMMENT ON COLUMN rowlock.seats.filler IS 'Takes up room in a seat that nothing has happened to yet; null from its first change on.';

CREATE TABLE rowlock.tickets (
    event_id bigint NOT NULL,
    section_no integer NOT NULL,
    seat_no integer NOT NULL,
    order_id uuid NOT NULL,
    issued_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE rowlock.tickets IS 'One ticket a sold seat, by primary key: the second wall against selling a seat twice.';

COMMENT ON COLUMN rowlock.tickets.event_id IS 'The event it admits to.';

COMMENT ON COLUMN rowlock.tickets.section_no IS 'The section of its seat.';

COMMENT ON COLUMN rowlock.tickets.seat_no IS 'The number of its seat.';

COMMENT ON COLUMN rowlock.tickets.order_id IS 'The paid order it belongs to.';

COMMENT ON COLUMN rowlock.tickets.issued_at IS 'When the order was paid.';

CREATE VIEW admin.invariant_violations AS
 WITH seat_claims AS NOT MATERIALIZED (
         SELECT c.event_id,
            c.order_id,
            c.section_no,
            c.seat_no,
            max(c.seat) AS seat,
            count(c.listed) AS listings,
            max(c.listed) AS listed,
            count(c.ticket) AS tickets
           FROM ( SELECT s.event_id,
                    s.order_id,
                    s.section_no,
                    s.seat_no,
                    s.status AS seat,
                    NULL::rowlock.seat_status AS listed,
                    NULL::boolean AS ticket
                   FROM rowlock.seats s
                  WHERE (s.status = ANY (ARRAY['held'::rowlock.seat_status, 'sold'::rowlock.seat_status]))
                UNION ALL
                 SELECT o.event_id,
                    o.order_id,
                    l.section_no,
                    l.seat_no,
                    NULL::rowlock.seat_status,
                    (
                        CASE o.status
                            WHEN 'paid'::rowlock.order_status THEN 'sold'::text
                            ELSE 'held'::text
                        END)::rowlock.seat_status AS seat_status,
                    NULL::boolean
                   FROM (rowlock.orders o
                     CROSS JOIN LATERAL UNNEST(o.section_nos, o.seat_nos) l(section_no, seat_no))
                  WHERE (o.status = ANY (ARRAY['pending_payment'::rowlock.order_status, 'paid'::rowlock.order_status]))
                UNION ALL
                 SELECT t.event_id,
                    t.order_id,
                    t.section_no,
                    t.seat_no,
                    NULL::rowlock.seat_status,
                    NULL::rowlock.seat_status,
                    true
                   FROM rowlock.tickets t) c
          GROUP BY c.event_id, c.order_id, c.section_no, c.seat_no
         HAVING ((count(c.listed) <> 1) OR (max(c.seat) IS DISTINCT FROM max(c.listed)) OR (count(c.ticket) <> ((max(c.listed) = 'sold'::rowlock.seat_status))::integer))
        ), order_money AS NOT MATERIALIZED (
         SELECT m.event_id,
            m.order_id,
            max(m.status) AS status,
            count(m.outcome) AS payments,
            count(*) FILTER (WHERE (m.outcome = ANY (ARRAY['paid'::rowlock.payment_outcome, 'late_reclaimed'::rowlock.payment_outcome]))) AS buying_payments
           FROM ( SELECT o.event_id,
                    o.order_id,
                    o.status,
                    NULL::rowlock.payment_outcome AS outcome
                   FROM rowlock.orders o
                UNION ALL
                 SELECT p.event_id,
                    p.order_id,
                    NULL::rowlock.order_status,
                    p.outcome
                   FROM rowlock.payments p
                  WHERE (p.status = 'succeeded'::rowlock.payment_status)) m
          GROUP BY m.event_id, m.order_id
         HAVING (((count(m.outcome) > 0) AND (max(m.status) IS DISTINCT FROM 'paid'::rowlock.order_status)) OR (count(*) FILTER (WHERE (m.outcome = ANY (ARRAY['paid'::rowlock.payment_outcome, 'late_reclaimed'::rowlock.payment_outcome]))) <> ((max(m.status) = 'paid'::rowlock.order_status))::integer))
        ), section_seats AS NOT MATERIALIZED (
         SELECT c.event_id,
            c.section_no,
            max(c.capacity) AS capacity,
            max(c.available) AS available,
            max(c.held) AS held,
            max(c.sold) AS sold,
            max(c.blocked) AS blocked,
            sum(c.seats_available) AS seats_available,
            sum(c.seats_held) AS seats_held,
            sum(c.seats_sold) AS seats_sold,
            sum(c.seats_blocked) AS seats_blocked
           FROM ( SELECT s.event_id,
                    s.section_no,
                    s.capacity,
                    s.available,
                    s.held,
                    s.sold,
                    s.blocked,
                    0 AS seats_available,
                    0 AS seats_held,
                    0 AS seats_sold,
                    0 AS seats_blocked
                   FROM rowlock.sections s
                UNION ALL
                 SELECT s.event_id,
                    s.section_no,
                    NULL::integer,
                    NULL::integer,
                    NULL::integer,
                    NULL::integer,
                    NULL::integer,
                    count(*) FILTER (WHERE (s.status = 'available'::rowlock.seat_status)) AS count,
                    count(*) FILTER (WHERE (s.status = 'held'::rowlock.seat_status)) AS count,
                    count(*) FILTER (WHERE (s.status = 'sold'::rowlock.seat_status)) AS count,
                    count(*) FILTER (WHERE (s.status = 'blocked'::rowlock.seat_status)) AS count
                   FROM rowlock.seats s
                  GROUP BY s.event_id, s.section_no) c
          GROUP BY c.event_id, c.section_no
        ), unlisted_orders AS NOT MATERIALIZED (
         SELECT c.event_id,
            c.order_id,
            c.expires_at
           FROM ( SELECT o.event_id,
                    o.order_id,
                    o.expires_at,
                    true AS pending,
                    NULL::boolean AS listed
                   FROM rowlock.orders o
                  WHERE (o.status = 'pending_payment'::rowlock.order_status)
                UNION ALL
                 SELECT d.event_id,
                    l.order_id,
                    d.expires_at,
                    NULL::boolean,
                    true
                   FROM (rowlock.deadlines d
                     CROSS JOIN LATERAL unnest(d.order_ids) l(order_id))) c
          GROUP BY c.event_id, c.order_id, c.expires_at
         HAVING ((count(c.pending) > 0) AND (count(c.listed) = 0))
        )
 SELECT v.invariant,
    c.event_id,
    c.order_id,
    c.section_no,
    c.seat_no,
    format('the seat is %s, listed by the live order as %s, %s times, with %s tickets'::text, COALESCE((c.seat)::text, 'not the order''s'::text), COALESCE((c.listed)::text, 'nothing'::text), c.listings, c.tickets) AS detail
   FROM (seat_claims c
     CROSS JOIN LATERAL ( VALUES ('seat_without_order'::text,((c.seat IS NOT NULL) AND (c.listings = 0))), ('order_without_seat'::text,((c.listings > 0) AND (c.seat IS DISTINCT FROM c.listed))), ('seat_listed_twice'::text,(c.listings > 1)), ('seat_without_ticket'::text,((c.listed = 'sold'::rowlock.seat_status) AND (c.tickets = 0))), ('ticket_without_paid_order'::text,((c.tickets > 0) AND (c.listed IS DISTINCT FROM 'sold'::rowlock.seat_status)))) v(invariant, is_broken))
  WHERE v.is_broken
UNION ALL
 SELECT 'section_counts'::text AS invariant,
    s.event_id,
    NULL::uuid AS order_id,
    s.section_no,
    NULL::integer AS seat_no,
    format('available %s, held %s, sold %s, blocked %s of %s recorded; %s, %s, %s, %s counted'::text, s.available, s.held, s.sold, s.blocked, s.capacity, s.seats_available, s.seats_held, s.seats_sold, s.seats_blocked) AS detail
   FROM section_seats s
  WHERE ((((((s.available)::numeric IS DISTINCT FROM s.seats_available) OR ((s.held)::numeric IS DISTINCT FROM s.seats_held)) OR ((s.sold)::numeric IS DISTINCT FROM s.seats_sold)) OR ((s.blocked)::numeric IS DISTINCT FROM s.seats_blocked)) OR ((s.capacity)::numeric IS DISTINCT FROM (((s.seats_available + s.seats_held) + s.seats_sold) + s.seats_blocked)))
UNION ALL
 SELECT v.invariant,
    m.event_id,
    m.order_id,
    NULL::integer AS section_no,
    NULL::integer AS seat_no,
    format('the order is %s; %s payments succeeded, %s of them bought its seats'::text, COALESCE((m.status)::text, 'unknown'::text), m.payments, m.buying_payments) AS detail
   FROM (order_money m
     CROSS JOIN LATERAL ( VALUES ('money_without_seats'::text,
                CASE
                    WHEN (m.status IS NULL) THEN (m.buying_payments > 0)
                    ELSE ((m.payments > 0) AND (m.status <> ALL (ARRAY['paid'::rowlock.order_status, 'refund_due'::rowlock.order_status, 'refunded'::rowlock.order_status])))
                END), ('paid_without_payment'::text,((m.status = 'paid'::rowlock.order_status) AND (m.buying_payments = 0))), ('paid_twice'::text,(m.buying_payments > 1))) v(invariant, is_broken))
  WHERE v.is_broken
UNION ALL
 SELECT 'order_overdue'::text AS invariant,
    o.event_id,
    o.order_id,
    NULL::integer AS section_no,
    NULL::integer AS seat_no,
    format('the order is pending %s ms after its deadline'::text, round((EXTRACT(epoch FROM (clock_timestamp() - o.expires_at)) * (1000)::numeric))) AS detail
   FROM rowlock.orders o
  WHERE ((o.status = 'pending_payment'::rowlock.order_status) AND (o.expires_at < (clock_timestamp() - '00:00:02'::interval)))
UNION ALL
 SELECT 'order_without_deadline'::text AS invariant,
    u.event_id,
    u.order_id,
    NULL::integer AS section_no,
    NULL::integer AS seat_no,
    format('nothing would expire the order at %s'::text, u.expires_at) AS detail
   FROM unlisted_orders u
UNION ALL
 SELECT 'idempotency_key_twice'::text AS invariant,
    o.event_id,
    (min((o.order_id)::text))::uuid AS order_id,
    NULL::integer AS section_no,
    NULL::integer AS seat_no,
    format('%s orders of one customer came with one idempotency key'::text, count(*)) AS detail
   FROM rowlock.orders o
  WHERE (o.idempotency_key IS NOT NULL)
  GROUP BY o.event_id, o.customer_id, o.idempotency_key
 HAVING (count(*) > 1)
UNION ALL
 SELECT 'order_without_event'::text AS invariant,
    o.event_id,
    o.order_id,
    NULL::integer AS section_no,
    NULL::integer AS seat_no,
    format('the order is %s'::text, o.status) AS detail
   FROM rowlock.orders o
  WHERE (NOT (EXISTS ( SELECT
           FROM rowlock.events e
          WHERE (e.event_id = o.event_id))))
UNION ALL
 SELECT 'payment_without_event'::text AS invariant,
    p.event_id,
    p.order_id,
    NULL::integer AS section_no,
    NULL::integer AS seat_no,
    (format('payment %s of %s'::text, p.provider_reference, p.provider) COLLATE "default") AS detail
   FROM rowlock.payments p
  WHERE (NOT (EXISTS ( SELECT
           FROM rowlock.events e
          WHERE (e.event_id = p.event_id))));

COMMENT ON VIEW admin.invariant_violations IS 'What must never be, one row a violation. Empty: no seat, order, ticket or cent is astray. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.invariant_violations.invariant IS 'Which rule is broken.';

COMMENT ON COLUMN admin.invariant_violations.event_id IS 'The event in which it is broken.';

COMMENT ON COLUMN admin.invariant_violations.order_id IS 'The order concerned, if there is one.';

COMMENT ON COLUMN admin.invariant_violations.section_no IS 'The section concerned, if there is one.';

COMMENT ON COLUMN admin.invariant_violations.seat_no IS 'The seat''s number within the section, if a seat is concerned.';

COMMENT ON COLUMN admin.invariant_violations.detail IS 'What was found.';

CREATE VIEW admin.lock_waits AS
 SELECT w.pid AS waiting_pid,
    (a.usename)::text AS waiting_login,
    a.application_name AS waiting_application,
    (round((EXTRACT(epoch FROM (clock_timestamp() - w.waitstart)) * (1000)::numeric)))::bigint AS waiting_ms,
        CASE
            WHEN ((w.locktype = 'advisory'::text) AND (w.objsubid = 2)) THEN
            CASE w.classid
                WHEN 1 THEN 'the turn of a customer'::text
                WHEN 2 THEN 'the search for the best available seats of a section'::text
                WHEN 3 THEN 'the sweep of overdue orders'::text
                WHEN 5 THEN 'the migration'::text
                ELSE format('advisory lock (%s, %s)'::text, w.classid, w.objid)
            END
            WHEN (w.locktype = 'relation'::text) THEN format('table %s'::text, (w.relation)::regclass)
            WHEN (COALESCE(t.relation, w.relation) IS NOT NULL) THEN format('a row of %s'::text, (COALESCE(t.relation, w.relation))::regclass)
            WHEN (w.locktype = 'transactionid'::text) THEN 'a row changed by another transaction'::text
            ELSE w.locktype
        END AS waits_for,
    w.mode,
    b.pids AS blocking_pids,
    b.logins AS blocking_logins
   FROM (((pg_locks w
     JOIN pg_stat_activity a ON (((a.pid = w.pid) AND (a.datname = current_database()))))
     LEFT JOIN LATERAL ( SELECT l.relation
           FROM pg_locks l
          WHERE ((l.pid = w.pid) AND (l.locktype = 'tuple'::text) AND l.granted AND (w.locktype = 'transactionid'::text))
         LIMIT 1) t ON (true))
     CROSS JOIN LATERAL ( SELECT array_agg(p.pid) AS pids,
            array_agg(DISTINCT (h.usename)::text) AS logins
           FROM (unnest(pg_blocking_pids(w.pid)) p(pid)
             LEFT JOIN pg_stat_activity h ON ((h.pid = p.pid)))) b)
  WHERE (NOT w.granted)
  ORDER BY w.waitstart;

COMMENT ON VIEW admin.lock_waits IS 'Who waits for which lock, and behind whom. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.lock_waits.waiting_pid IS 'Process id of the session that waits.';

COMMENT ON COLUMN admin.lock_waits.waiting_login IS 'Who is logged in there.';

COMMENT ON COLUMN admin.lock_waits.waiting_application IS 'What it calls itself.';

COMMENT ON COLUMN admin.lock_waits.waiting_ms IS 'For how long it has waited, in milliseconds.';

COMMENT ON COLUMN admin.lock_waits.waits_for IS 'What it waits for.';

COMMENT ON COLUMN admin.lock_waits.mode IS 'How much of it.';

COMMENT ON COLUMN admin.lock_waits.blocking_pids IS 'Process ids of those in the way.';

COMMENT ON COLUMN admin.lock_waits.blocking_logins IS 'Who is logged in there.';

CREATE VIEW admin.money AS
 SELECT p.event_id,
    (p.provider COLLATE "default") AS provider,
    p.currency,
    count(*) FILTER (WHERE (p.status = 'succeeded'::rowlock.payment_status)) AS payments,
    (COALESCE(sum(p.amount_minor) FILTER (WHERE (p.outcome = ANY (ARRAY['paid'::rowlock.payment_outcome, 'late_reclaimed'::rowlock.payment_outcome]))), (0)::numeric))::bigint AS paid_minor,
    (COALESCE(sum(p.amount_minor) FILTER (WHERE ((p.outcome = 'refund_due'::rowlock.payment_outcome) AND (p.refunded_at IS NULL))), (0)::numeric))::bigint AS refund_due_minor,
    (COALESCE(sum(p.amount_minor) FILTER (WHERE (p.refunded_at IS NOT NULL)), (0)::numeric))::bigint AS refunded_minor,
    count(*) FILTER (WHERE (p.status = 'failed'::rowlock.payment_status)) AS failed_payments
   FROM rowlock.payments p
  GROUP BY p.event_id, p.provider, p.currency
  ORDER BY p.event_id, p.provider, p.currency;

COMMENT ON VIEW admin.money IS 'Money by gateway: what bought seats, what is owed back, what went back. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.money.event_id IS 'The event.';

COMMENT ON COLUMN admin.money.provider IS 'The gateway''s name.';

COMMENT ON COLUMN admin.money.currency IS 'ISO 4217 code of the money that came, right or wrong.';

COMMENT ON COLUMN admin.money.payments IS 'Payments that succeeded.';

COMMENT ON COLUMN admin.money.paid_minor IS 'What bought seats, in minor units.';

COMMENT ON COLUMN admin.money.refund_due_minor IS 'What is owed back, in minor units.';

COMMENT ON COLUMN admin.money.refunded_minor IS 'What went back, in minor units.';

COMMENT ON COLUMN admin.money.failed_payments IS 'Payments that the gateway reported as failed; they moved no money.';

CREATE VIEW admin.orders WITH (security_barrier='true') AS
 SELECT o.event_id,
    o.order_id,
        CASE
            WHEN ( SELECT pg_has_role('rowlock_admin'::name, 'usage'::text) AS pg_has_role) THEN o.customer_id
            ELSE ('c-'::text || "left"(encode(sha256((( SELECT k.key
               FROM rowlock.pseudonym_key k) || convert_to(o.customer_id, 'UTF8'::name))), 'hex'::text), 16))
        END AS customer,
    (o.status)::text AS status,
    ( SELECT string_agg(((s.code || ' '::text) || l.seat_no), ', '::text ORDER BY l.place) AS string_agg
           FROM (UNNEST(o.section_nos, o.seat_nos) WITH ORDINALITY l(section_no, seat_no, place)
             JOIN rowlock.sections s ON (((s.event_id = o.event_id) AND (s.section_no = l.section_no))))) AS seats,
    o.amount_minor,
    o.created_at,
    o.expires_at,
    o.ended_at
   FROM rowlock.orders o;

COMMENT ON VIEW admin.orders IS 'Every order. For rowlock_admin and rowlock_readonly, who sees pseudonyms for customers.';

COMMENT ON COLUMN admin.orders.event_id IS 'The event.';

COMMENT ON COLUMN admin.orders.order_id IS 'The order; its first half is the time it was made, so later orders sort after earlier ones.';

COMMENT ON COLUMN admin.orders.customer IS 'The buyer: the id for rowlock_admin, a pseudonym for others.';

COMMENT ON COLUMN admin.orders.status IS 'pending_payment, paid, expired, cancelled, refund_due or refunded.';

COMMENT ON COLUMN admin.orders.seats IS 'The seats it claimed, by section and number.';

COMMENT ON COLUMN admin.orders.amount_minor IS 'Their price together, in minor units of the event''s currency.';

COMMENT ON COLUMN admin.orders.created_at IS 'When the claim succeeded.';

COMMENT ON COLUMN admin.orders.expires_at IS 'The deadline for the payment.';

COMMENT ON COLUMN admin.orders.ended_at IS 'When it was paid, expired, cancelled or found to need a refund.';

CREATE VIEW admin.orders_by_state AS
 SELECT o.event_id,
    (o.status)::text AS status,
    (ARRAY['under 10 s'::text, '10 s to 1 min'::text, '1 to 10 min'::text, '10 min to 1 h'::text, '1 h to 1 day'::text, 'over a day'::text])[(1 + o.age_no)] AS age,
    count(*) AS orders,
    sum(cardinality(o.seat_nos)) AS seats,
    (sum(o.amount_minor))::bigint AS amount_minor,
    min(o.created_at) AS oldest_at
   FROM ( SELECT o_1.event_id,
            o_1.order_id,
            o_1.customer_id,
            o_1.status,
            o_1.section_nos,
            o_1.seat_nos,
            o_1.amount_minor,
            o_1.created_at,
            o_1.expires_at,
            o_1.ended_at,
            o_1.idempotency_key,
            o_1.fingerprint,
            o_1.is_live,
            width_bucket(EXTRACT(epoch FROM (statement_timestamp() - o_1.created_at)), (ARRAY[10, 60, 600, 3600, 86400])::numeric[]) AS age_no
           FROM rowlock.orders o_1) o
  GROUP BY o.event_id, o.status, o.age_no
  ORDER BY o.event_id, o.status, o.age_no;

COMMENT ON VIEW admin.orders_by_state IS 'Orders counted by state and age. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.orders_by_state.event_id IS 'The event.';

COMMENT ON COLUMN admin.orders_by_state.status IS 'pending_payment, paid, expired, cancelled, refund_due or refunded.';

COMMENT ON COLUMN admin.orders_by_state.age IS 'How long ago they were made.';

COMMENT ON COLUMN admin.orders_by_state.orders IS 'How many there are.';

COMMENT ON COLUMN admin.orders_by_state.seats IS 'How many seats they claimed.';

COMMENT ON COLUMN admin.orders_by_state.amount_minor IS 'Their amounts together, in minor units of the event''s currency.';

COMMENT ON COLUMN admin.orders_by_state.oldest_at IS 'When the oldest of them was made.';

CREATE VIEW admin.overdue_orders WITH (security_barrier='true') AS
 SELECT o.event_id,
    o.order_id,
        CASE
            WHEN ( SELECT pg_has_role('rowlock_admin'::name, 'usage'::text) AS pg_has_role) THEN o.customer_id
            ELSE ('c-'::text || "left"(encode(sha256((( SELECT k.key
               FROM rowlock.pseudonym_key k) || convert_to(o.customer_id, 'UTF8'::name))), 'hex'::text), 16))
        END AS customer,
    cardinality(o.seat_nos) AS seats,
    o.expires_at,
    (round((EXTRACT(epoch FROM (statement_timestamp() - o.expires_at)) * (1000)::numeric)))::bigint AS overdue_ms,
    COALESCE(f.attempts, 0) AS failed_attempts,
    f.retry_at,
    ((f.order_id IS NOT NULL) AND (f.retry_at IS NULL)) AS is_dead_letter
   FROM (((rowlock.deadlines d
     CROSS JOIN LATERAL unnest(d.order_ids) l(order_id))
     CROSS JOIN LATERAL ( SELECT o_1.event_id,
            o_1.order_id,
            o_1.customer_id,
            o_1.status,
            o_1.section_nos,
            o_1.seat_nos,
            o_1.amount_minor,
            o_1.created_at,
            o_1.expires_at,
            o_1.ended_at,
            o_1.idempotency_key,
            o_1.fingerprint,
            o_1.is_live
           FROM rowlock.orders o_1
          WHERE ((o_1.event_id = d.event_id) AND (o_1.order_id = l.order_id))
         LIMIT 1) o)
     LEFT JOIN rowlock.expiry_failures f ON (((f.event_id = o.event_id) AND (f.order_id = o.order_id))))
  WHERE ((d.expires_at < statement_timestamp()) AND (o.status = 'pending_payment'::rowlock.order_status) AND (o.expires_at < statement_timestamp()))
  ORDER BY o.expires_at, o.event_id, o.order_id;

COMMENT ON VIEW admin.overdue_orders IS 'Pending orders past their deadline. For rowlock_admin and rowlock_readonly, who sees pseudonyms for customers.';

COMMENT ON COLUMN admin.overdue_orders.event_id IS 'The event.';

COMMENT ON COLUMN admin.overdue_orders.order_id IS 'The order.';

COMMENT ON COLUMN admin.overdue_orders.customer IS 'Its buyer: the id for rowlock_admin, a pseudonym for others.';

COMMENT ON COLUMN admin.overdue_orders.seats IS 'How many seats it holds.';

COMMENT ON COLUMN admin.overdue_orders.expires_at IS 'Its deadline.';

COMMENT ON COLUMN admin.overdue_orders.overdue_ms IS 'How long ago that was, in milliseconds.';

COMMENT ON COLUMN admin.overdue_orders.failed_attempts IS 'How often expiring it failed.';

COMMENT ON COLUMN admin.overdue_orders.retry_at IS 'When the next attempt is due, after a failed one.';

COMMENT ON COLUMN admin.overdue_orders.is_dead_letter IS 'Whether it was given up: it waits for admin.redrive_dead_letter or admin.release_order.';

CREATE VIEW admin.refunds_due WITH (security_barrier='true') AS
 SELECT p.event_id,
    (p.provider COLLATE "default") AS provider,
    (p.provider_reference COLLATE "default") AS provider_reference,
    p.amount_minor,
    p.currency,
    p.received_at,
    p.order_id,
        CASE
            WHEN ( SELECT pg_has_role('rowlock_admin'::name, 'usage'::text) AS pg_has_role) THEN o.customer_id
            ELSE ('c-'::text || "left"(encode(sha256((( SELECT k.key
               FROM rowlock.pseudonym_key k) || convert_to(o.customer_id, 'UTF8'::name))), 'hex'::text), 16))
        END AS customer,
    (o.status)::text AS order_status
   FROM (rowlock.payments p
     LEFT JOIN rowlock.orders o ON (((o.event_id = p.event_id) AND (o.order_id = p.order_id))))
  WHERE ((p.outcome = 'refund_due'::rowlock.payment_outcome) AND (p.refunded_at IS NULL))
  ORDER BY p.event_id, p.received_at, p.provider, p.provider_reference;

COMMENT ON VIEW admin.refunds_due IS 'Payments that are owed back. For rowlock_admin and rowlock_readonly, who sees pseudonyms for customers.';

COMMENT ON COLUMN admin.refunds_due.event_id IS 'The event.';

COMMENT ON COLUMN admin.refunds_due.provider IS 'The gateway''s name.';

COMMENT ON COLUMN admin.refunds_due.provider_reference IS 'The gateway''s id of the payment.';

COMMENT ON COLUMN admin.refunds_due.amount_minor IS 'What is owed, in minor units.';

COMMENT ON COLUMN admin.refunds_due.currency IS 'ISO 4217 code of the money.';

COMMENT ON COLUMN admin.refunds_due.received_at IS 'When the notice was settled.';

COMMENT ON COLUMN admin.refunds_due.order_id IS 'The order that the notice named.';

COMMENT ON COLUMN admin.refunds_due.customer IS 'Its buyer: the id for rowlock_admin, a pseudonym for others; null if there is no such order.';

COMMENT ON COLUMN admin.refunds_due.order_status IS 'What that order is: refund_due if it has no other money, paid if this came on top; null if there is none.';

CREATE VIEW admin.sales_by_minute AS
 SELECT t.event_id,
    date_trunc('minute'::text, t.issued_at) AS minute,
    count(DISTINCT t.order_id) AS orders,
    count(*) AS seats,
    (sum(s.price_minor))::bigint AS revenue_minor,
    (sum(count(*)) OVER (PARTITION BY t.event_id ORDER BY (date_trunc('minute'::text, t.issued_at))))::bigint AS seats_so_far,
    (sum(sum(s.price_minor)) OVER (PARTITION BY t.event_id ORDER BY (date_trunc('minute'::text, t.issued_at))))::bigint AS revenue_so_far_minor
   FROM (rowlock.tickets t
     JOIN rowlock.sections s ON (((s.event_id = t.event_id) AND (s.section_no = t.section_no))))
  GROUP BY t.event_id, (date_trunc('minute'::text, t.issued_at))
  ORDER BY t.event_id, (date_trunc('minute'::text, t.issued_at));

COMMENT ON VIEW admin.sales_by_minute IS 'What was sold in which minute. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.sales_by_minute.event_id IS 'The event.';

COMMENT ON COLUMN admin.sales_by_minute.minute IS 'The minute in which the orders were paid.';

COMMENT ON COLUMN admin.sales_by_minute.orders IS 'Orders paid in it.';

COMMENT ON COLUMN admin.sales_by_minute.seats IS 'Seats sold in it.';

COMMENT ON COLUMN admin.sales_by_minute.revenue_minor IS 'Price of those seats together, in minor units of the event''s currency.';

COMMENT ON COLUMN admin.sales_by_minute.seats_so_far IS 'Seats sold by the end of the minute.';

COMMENT ON COLUMN admin.sales_by_minute.revenue_so_far_minor IS 'Revenue by the end of the minute, in minor units.';

CREATE VIEW admin.sales_by_section AS
 SELECT s.event_id,
    s.code AS section,
    s.name,
    s.price_minor,
    e.currency,
    s.capacity,
    s.available,
    s.held,
    s.sold,
    s.blocked,
    round(((100.0 * (s.sold)::numeric) / (s.capacity)::numeric), 1) AS sold_percent,
    (s.sold * s.price_minor) AS revenue_minor
   FROM (rowlock.events e
     JOIN rowlock.sections s ON ((s.event_id = e.event_id)))
  ORDER BY s.event_id, s.section_no;

COMMENT ON VIEW admin.sales_by_section IS 'Seats and revenue, section by section. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.sales_by_section.event_id IS 'The event.';

COMMENT ON COLUMN admin.sales_by_section.section IS 'The section''s code, for example A.';

COMMENT ON COLUMN admin.sales_by_section.name IS 'What people call it.';

COMMENT ON COLUMN admin.sales_by_section.price_minor IS 'Price of each of its seats in minor units.';

COMMENT ON COLUMN admin.sales_by_section.currency IS 'ISO 4217 code of price and revenue.';

COMMENT ON COLUMN admin.sales_by_section.capacity IS 'All its seats.';

COMMENT ON COLUMN admin.sales_by_section.available IS 'Seats on sale.';

COMMENT ON COLUMN admin.sales_by_section.held IS 'Seats held by pending orders.';

COMMENT ON COLUMN admin.sales_by_section.sold IS 'Seats sold.';

COMMENT ON COLUMN admin.sales_by_section.blocked IS 'Seats kept back by the box office.';

COMMENT ON COLUMN admin.sales_by_section.sold_percent IS 'Sold seats of its seats, in percent.';

COMMENT ON COLUMN admin.sales_by_section.revenue_minor IS 'Price of the sold seats together, in minor units.';

CREATE TABLE rowlock.section_rows (
    event_id bigint NOT NULL,
    section_no integer NOT NULL,
    row_no integer NOT NULL,
    label text NOT NULL,
    first_seat integer NOT NULL,
    last_seat integer NOT NULL,
    CONSTRAINT section_rows_check CHECK ((last_seat >= first_seat)),
    CONSTRAINT section_rows_first_seat_check CHECK ((first_seat >= 1)),
    CONSTRAINT section_rows_label_check CHECK (((char_length(label) >= 1) AND (char_length(label) <= 20))),
    CONSTRAINT section_rows_row_no_check CHECK ((row_no >= 1))
);

COMMENT ON TABLE rowlock.section_rows IS 'The rows of a section, each a range of its seat numbers. Read once, never changed.';

COMMENT ON COLUMN rowlock.section_rows.event_id IS 'The event it belongs to.';

COMMENT ON COLUMN rowlock.section_rows.section_no IS 'The section it belongs to.';

COMMENT ON COLUMN rowlock.section_rows.row_no IS 'From 1, front to back.';

COMMENT ON COLUMN rowlock.section_rows.label IS 'What is written on the row, for example 12 or AA.';

COMMENT ON COLUMN rowlock.section_rows.first_seat IS 'Number of its first seat within the section.';

COMMENT ON COLUMN rowlock.section_rows.last_seat IS 'Number of its last seat within the section.';

CREATE VIEW admin.seat_map AS
 SELECT r.event_id,
    s.code AS section,
    r.label AS row_label,
    r.first_seat,
    r.last_seat,
    ( SELECT string_agg(
                CASE t.status
                    WHEN 'available'::rowlock.seat_status THEN 'a'::text
                    WHEN 'held'::rowlock.seat_status THEN 'h'::text
                    WHEN 'sold'::rowlock.seat_status THEN 's'::text
                    ELSE 'b'::text
                END, ''::text ORDER BY t.seat_no) AS string_agg
           FROM rowlock.seats t
          WHERE ((t.event_id = r.event_id) AND (t.section_no = r.section_no) AND ((t.seat_no >= r.first_seat) AND (t.seat_no <= r.last_seat)))) AS seats
   FROM (rowlock.section_rows r
     JOIN rowlock.sections s ON (((s.event_id = r.event_id) AND (s.section_no = r.section_no))))
  ORDER BY r.event_id, r.section_no, r.row_no;

COMMENT ON VIEW admin.seat_map IS 'Every seat of the house, a line a row. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.seat_map.event_id IS 'The event.';

COMMENT ON COLUMN admin.seat_map.section IS 'The section''s code.';

COMMENT ON COLUMN admin.seat_map.row_label IS 'What is written on the row.';

COMMENT ON COLUMN admin.seat_map.first_seat IS 'Number of its first seat within the section.';

COMMENT ON COLUMN admin.seat_map.last_seat IS 'Number of its last seat within the section.';

COMMENT ON COLUMN admin.seat_map.seats IS 'A letter a seat: available, held, sold, blocked.';

ALTER TABLE rowlock.admin_actions ALTER COLUMN action_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowlock.admin_actions_action_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rowlock.api_keys (
    api_key_id bigint NOT NULL,
    name text NOT NULL,
    hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT api_keys_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT api_keys_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200)))
);

COMMENT ON TABLE rowlock.api_keys IS 'Keys of admins and box offices. Only a hash is kept: a lost key is replaced, not looked up.';

COMMENT ON COLUMN rowlock.api_keys.api_key_id IS 'Names the key in lists and logs.';

COMMENT ON COLUMN rowlock.api_keys.name IS 'Whose key it is.';

COMMENT ON COLUMN rowlock.api_keys.hash IS 'SHA-256 of the key.';

COMMENT ON COLUMN rowlock.api_keys.created_at IS 'When it was made.';

COMMENT ON COLUMN rowlock.api_keys.revoked_at IS 'When it stopped working; null: it works.';

ALTER TABLE rowlock.api_keys ALTER COLUMN api_key_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowlock.api_keys_api_key_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE rowlock.events ALTER COLUMN event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowlock.events_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rowlock.late_orders (
    event_id bigint NOT NULL,
    order_id uuid NOT NULL,
    released_as rowlock.order_status NOT NULL,
    released_at timestamp with time zone NOT NULL,
    CONSTRAINT late_orders_released_as_check CHECK ((released_as = ANY (ARRAY['expired'::rowlock.order_status, 'cancelled'::rowlock.order_status])))
);

COMMENT ON TABLE rowlock.late_orders IS 'How orders had lost their seats before money came for them after all.';

COMMENT ON COLUMN rowlock.late_orders.event_id IS 'The event of the order.';

COMMENT ON COLUMN rowlock.late_orders.order_id IS 'The order.';

COMMENT ON COLUMN rowlock.late_orders.released_as IS 'What it was when the money came: expired or cancelled.';

COMMENT ON COLUMN rowlock.late_orders.released_at IS 'When its seats were on sale again.';

ALTER TABLE ONLY rowlock.admin_actions
    ADD CONSTRAINT admin_actions_pkey PRIMARY KEY (action_id);

ALTER TABLE ONLY rowlock.api_keys
    ADD CONSTRAINT api_keys_hash_key UNIQUE (hash);

ALTER TABLE ONLY rowlock.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (api_key_id);

ALTER TABLE ONLY rowlock.applied_files
    ADD CONSTRAINT applied_files_pkey PRIMARY KEY (path);

ALTER TABLE ONLY rowlock.deadlines
    ADD CONSTRAINT deadlines_pkey PRIMARY KEY (expires_at, event_id, first_order_id);

ALTER TABLE ONLY rowlock.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY rowlock.expiry_failures
    ADD CONSTRAINT expiry_failures_pkey PRIMARY KEY (event_id, order_id);

ALTER TABLE ONLY rowlock.late_orders
    ADD CONSTRAINT late_orders_pkey PRIMARY KEY (event_id, order_id);

ALTER TABLE ONLY rowlock.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (event_id, order_id);

ALTER TABLE ONLY rowlock.payments
    ADD CONSTRAINT payments_pkey PRIMARY KEY (event_id, provider, provider_reference);

ALTER TABLE ONLY rowlock.pseudonym_key
    ADD CONSTRAINT pseudonym_key_pkey PRIMARY KEY (is_only);

ALTER TABLE ONLY rowlock.releases
    ADD CONSTRAINT releases_pkey PRIMARY KEY (version);

ALTER TABLE ONLY rowlock.seats
    ADD CONSTRAINT seats_pkey PRIMARY KEY (event_id, section_no, seat_no);

ALTER TABLE ONLY rowlock.section_rows
    ADD CONSTRAINT section_rows_event_id_section_no_first_seat_key UNIQUE (event_id, section_no, first_seat);

ALTER TABLE ONLY rowlock.section_rows
    ADD CONSTRAINT section_rows_pkey PRIMARY KEY (event_id, section_no, row_no);

ALTER TABLE ONLY rowlock.sections
    ADD CONSTRAINT sections_event_id_code_key UNIQUE (event_id, code);

ALTER TABLE ONLY rowlock.sections
    ADD CONSTRAINT sections_pkey PRIMARY KEY (event_id, section_no);

ALTER TABLE ONLY rowlock.tickets
    ADD CONSTRAINT tickets_pkey PRIMARY KEY (event_id, section_no, seat_no);

CREATE INDEX admin_actions_by_event ON rowlock.admin_actions USING btree (event_id, action_id);

CREATE INDEX admin_actions_by_order ON rowlock.admin_actions USING btree (order_id) WHERE (order_id IS NOT NULL);

CREATE UNIQUE INDEX orders_ended ON rowlock.orders USING btree (event_id, customer_id, idempotency_key) WHERE (NOT is_live);

CREATE UNIQUE INDEX orders_live ON rowlock.orders USING btree (event_id, customer_id, idempotency_key) WHERE is_live;

CREATE INDEX payments_refund_due ON rowlock.payments USING btree (event_id, received_at) WHERE ((outcome = 'refund_due'::rowlock.payment_outcome) AND (refunded_at IS NULL));

CREATE OR REPLACE VIEW admin.house_now AS
 SELECT e.event_id,
    e.name,
    (e.status)::text AS status,
    e.currency,
    sum(s.capacity) AS capacity,
    sum(s.available) AS available,
    sum(s.held) AS held,
    sum(s.sold) AS sold,
    sum(s.blocked) AS blocked,
    round(((100.0 * (sum(s.sold))::numeric) / (sum(s.capacity))::numeric), 1) AS sold_percent,
    (sum((s.sold * s.price_minor)))::bigint AS revenue_minor
   FROM (rowlock.events e
     JOIN rowlock.sections s ON ((s.event_id = e.event_id)))
  GROUP BY e.event_id
  ORDER BY e.event_id;

ALTER TABLE ONLY rowlock.section_rows
    ADD CONSTRAINT section_rows_event_id_section_no_fkey FOREIGN KEY (event_id, section_no) REFERENCES rowlock.sections(event_id, section_no);

ALTER TABLE ONLY rowlock.sections
    ADD CONSTRAINT sections_event_id_fkey FOREIGN KEY (event_id) REFERENCES rowlock.events(event_id);

GRANT USAGE ON SCHEMA admin TO rowlock_admin;
GRANT USAGE ON SCHEMA admin TO rowlock_readonly;

GRANT USAGE ON SCHEMA rowlock TO rowlock_app;
GRANT USAGE ON SCHEMA rowlock TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.block_seats(p_event_id bigint, p_seats text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.block_seats(p_event_id bigint, p_seats text, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.change_event(p_event_id bigint, p_change jsonb, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.change_event(p_event_id bigint, p_change jsonb, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.change_window(p_event_id bigint, p_window_ms integer, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.change_window(p_event_id bigint, p_window_ms integer, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.close_event(p_event_id bigint, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.close_event(p_event_id bigint, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.create_api_key(p_name text, p_hash bytea, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.create_api_key(p_name text, p_hash bytea, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.create_event(p_event jsonb, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.create_event(p_event jsonb, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.mark_refunded(p_event_id bigint, p_provider text, p_provider_reference text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.mark_refunded(p_event_id bigint, p_provider text, p_provider_reference text, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.open_event(p_event_id bigint, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.open_event(p_event_id bigint, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.order_timeline(p_order_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.order_timeline(p_order_id uuid) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.pause_event(p_event_id bigint, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.pause_event(p_event_id bigint, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.release_order(p_event_id bigint, p_order_id uuid, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.release_order(p_event_id bigint, p_order_id uuid, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.revoke_api_key(p_api_key_id bigint, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.revoke_api_key(p_api_key_id bigint, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.sale_export(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.sale_export(p_event_id bigint) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.seat_history(p_event_id bigint, p_section text, p_seat_no integer) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.seat_history(p_event_id bigint, p_section text, p_seat_no integer) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.unblock_seats(p_event_id bigint, p_seats text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.unblock_seats(p_event_id bigint, p_seats text, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock._admit_searches(p_limit integer, p_outcomes text[], p_answers uuid[], p_order_ids uuid[], p_fingerprints bytea[], p_customer_nos integer[], p_key_nos integer[], p_live_seats integer[], p_asked_section_nos integer[], p_quantities integer[], p_section_nos integer[], p_available integer[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_admitted boolean[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._assert_rows(p_actual bigint, p_expected bigint, p_what text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._available_seats(p_event_id bigint, p_section_no integer, p_from_seat integer, p_limit integer, p_lost integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._block_selected(p_event_id bigint, p_seats text, p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._change_blocked(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._change_event(p_event_id bigint, p_change jsonb, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._check_claims(p_event_id bigint, p_limit integer, p_is_on_sale boolean, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_key_nos integer[], p_quantities integer[], p_faults text[], OUT o_live_seats integer[], OUT o_outcomes text[], OUT o_answers uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._check_notices(p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._check_reason(p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._claim_answers(p_event_id bigint, p_outcomes text[], p_order_ids uuid[], p_answers uuid[], p_firsts integer[], p_quantities integer[], p_amounts bigint[], p_section_nos integer[], p_seat_nos integer[], p_blamed boolean[], p_created_at timestamp with time zone, p_expires_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._create_api_key(p_name text, p_hash bytea, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._create_event(p_event jsonb, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._create_rows(p_event_id bigint, p_section_no integer, p_rows jsonb, p_path text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._create_section(p_event_id bigint, p_section_no integer, p_section jsonb, p_path text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._decide_seat_claims(p_limit integer, p_outcomes text[], p_answers uuid[], p_order_ids uuid[], p_fingerprints bytea[], p_customer_nos integer[], p_key_nos integer[], p_live_seats integer[], p_firsts integer[], p_quantities integer[], p_missing boolean[], p_first_nos integer[], p_seat_rows tid[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_blamed boolean[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._event_not_found(p_event_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._find_nearest(p_event_id bigint, p_section_no integer, p_quantity integer, p_count integer, p_taken integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._find_seats(p_event_id bigint, p_section_no integer, p_request_nos integer[], p_quantities integer[], p_hints integer[], p_lost integer[], OUT o_request_nos integer[], OUT o_seat_nos integer[], OUT o_from_seat integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._find_together(p_event_id bigint, p_section_no integer, p_quantities integer[], p_from_seat integer, p_limit integer, p_lost integer[], OUT o_starts integer[], OUT o_from_seat integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._format_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._invalid_input(p_path text, p_problem text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._json_integer(p_value jsonb, p_path text, p_min bigint, p_max bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._json_object(p_value jsonb, p_path text, p_known text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._json_text(p_value jsonb, p_path text, p_min integer, p_max integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._json_time(p_value jsonb, p_path text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._lock_available_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_is_wanted boolean[], OUT o_seat_rows tid[], OUT o_first_nos integer[], OUT o_are_all boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._lock_customer_keys(p_event_id bigint, p_customer_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._lock_section_searches(p_event_id bigint, p_section_nos integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._lock_settlement(p_event_id bigint, p_order_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._log_action(p_function text, p_event_id bigint, p_order_id uuid, p_reason text, p_arguments jsonb, p_before jsonb, p_after jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._move_seat_counts(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._number_customers(p_customer_ids text[], p_idempotency_keys text[], OUT o_customer_nos integer[], OUT o_key_nos integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._pay_orders(p_event_id bigint, p_order_rows tid[], p_from rowlock.seat_status, p_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._place_orders(p_event_id bigint, p_window_ms integer, p_outcomes text[], p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_firsts integer[], p_quantities integer[], p_amounts bigint[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], p_seat_rows tid[], p_won integer, OUT o_created_at timestamp with time zone, OUT o_expires_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._read_wanted_seats(p_event_id bigint, p_requests integer, p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], OUT o_firsts integer[], OUT o_quantities integer[], OUT o_amounts bigint[], OUT o_faults text[], OUT o_missing boolean[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._reclaim_order(p_event_id bigint, p_order_row tid, p_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._record_payments(p_event_id bigint, p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[], OUT payable_order_rows tid[], OUT one_by_one integer[], OUT fresh integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._release_orders(p_event_id bigint, p_order_rows tid[], p_status rowlock.order_status, p_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._revoke_api_key(p_api_key_id bigint, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._search_sections(p_event_id bigint, p_asked_section_nos integer[], p_quantities integer[], p_admitted boolean[], p_lost_section_nos integer[], p_lost_seat_nos integer[], OUT o_request_nos integer[], OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_seat_rows tid[], OUT o_hint_section_nos integer[], OUT o_hint_quantities integer[], OUT o_hint_seats integer[], OUT o_hint_releases bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._section_of(p_event_id bigint, p_section text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._section_statuses(p_event_id bigint, p_section_no integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._selected_seats(p_event_id bigint, p_seats text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._set_event_status(p_event_id bigint, p_status rowlock.event_status, p_from rowlock.event_status[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._set_seats_blocked(p_event_id bigint, p_section_no integer, p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._settle_payment(p_event_id bigint, p_order_id uuid, p_provider text, p_provider_reference text, p_amount_minor bigint, p_currency text, p_succeeded boolean, p_fresh boolean, p_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._spend_payment(p_event_id bigint, p_order_id uuid, p_amount_minor bigint, p_currency text, p_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._steer_event(p_event_id bigint, p_status rowlock.event_status, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._wait_for_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._win_found(p_outcomes text[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], p_seat_rows tid[], OUT o_outcomes text[], OUT o_request_nos integer[], OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_seat_rows tid[], OUT o_lost_section_nos integer[], OUT o_lost_seat_nos integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._write_search_hints(p_event_id bigint, p_section_nos integer[], p_quantities integer[], p_seats integer[], p_releases bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock.block_seats(p_event_id bigint, p_section_no integer, p_seat_nos integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.block_seats(p_event_id bigint, p_section_no integer, p_seat_nos integer[]) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.cancel_order(p_event_id bigint, p_order_id uuid, p_customer_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.cancel_order(p_event_id bigint, p_order_id uuid, p_customer_id text) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.change_event(p_event_id bigint, p_change jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.change_event(p_event_id bigint, p_change jsonb) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.claim_best_available(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_section_nos integer[], p_quantities integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.claim_best_available(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_section_nos integer[], p_quantities integer[]) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.claim_seats(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.claim_seats(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[]) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.claimed_orders(p_event_id bigint, p_order_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.claimed_orders(p_event_id bigint, p_order_ids uuid[]) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.claimed_together(p_event_id bigint, p_first_order_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.claimed_together(p_event_id bigint, p_first_order_ids uuid[]) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.close_event(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.close_event(p_event_id bigint) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.create_event(p_event jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.create_event(p_event jsonb) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.event_availability(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.event_availability(p_event_id bigint) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.event_availability(p_event_id bigint) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.event_layout(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.event_layout(p_event_id bigint) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.event_layout(p_event_id bigint) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.expire_orders(p_event_id bigint, p_order_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.expire_orders(p_event_id bigint, p_order_ids uuid[]) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.find_api_key(p_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.find_api_key(p_hash bytea) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.get_event(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.get_event(p_event_id bigint) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.get_event(p_event_id bigint) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.get_order(p_event_id bigint, p_order_id uuid, p_customer_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.get_order(p_event_id bigint, p_order_id uuid, p_customer_id text) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.get_order(p_event_id bigint, p_order_id uuid, p_customer_id text) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.list_dead_letters(p_event_id bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.list_dead_letters(p_event_id bigint, p_limit integer) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.list_dead_letters(p_event_id bigint, p_limit integer) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.list_events(p_after_event_id bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.list_events(p_after_event_id bigint, p_limit integer) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.list_events(p_after_event_id bigint, p_limit integer) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.list_orders(p_event_id bigint, p_customer_id text, p_status text, p_after_order_id uuid, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.list_orders(p_event_id bigint, p_customer_id text, p_status text, p_after_order_id uuid, p_limit integer) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.list_orders(p_event_id bigint, p_customer_id text, p_status text, p_after_order_id uuid, p_limit integer) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.migration_state() FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.migration_state() TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.migration_state() TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.open_event(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.open_event(p_event_id bigint) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.overdue_orders(p_grace_ms integer, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.overdue_orders(p_grace_ms integer, p_limit integer) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.pause_event(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.pause_event(p_event_id bigint) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.payment_outcome(p_event_id bigint, p_provider text, p_provider_reference text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.payment_outcome(p_event_id bigint, p_provider text, p_provider_reference text) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.record_expiry_failure(p_event_id bigint, p_order_id uuid, p_error text, p_attempts_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.record_expiry_failure(p_event_id bigint, p_order_id uuid, p_error text, p_attempts_max integer) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.redrive_dead_letter(p_event_id bigint, p_order_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.redrive_dead_letter(p_event_id bigint, p_order_id uuid) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.refunds_due(p_event_id bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.refunds_due(p_event_id bigint, p_limit integer) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.refunds_due(p_event_id bigint, p_limit integer) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.sales_report(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.sales_report(p_event_id bigint) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.sales_report(p_event_id bigint) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.section_seats(p_event_id bigint, p_section_no integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.section_seats(p_event_id bigint, p_section_no integer) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.section_seats(p_event_id bigint, p_section_no integer) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.section_summary(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.section_summary(p_event_id bigint) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.section_summary(p_event_id bigint) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.settle_payments(p_event_id bigint, p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.settle_payments(p_event_id bigint, p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[]) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.try_lead_sweep() FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.try_lead_sweep() TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.unblock_seats(p_event_id bigint, p_section_no integer, p_seat_nos integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.unblock_seats(p_event_id bigint, p_section_no integer, p_seat_nos integer[]) TO rowlock_app;

GRANT SELECT ON TABLE admin.action_log TO rowlock_admin;
GRANT SELECT ON TABLE admin.action_log TO rowlock_readonly;

GRANT SELECT ON TABLE admin.database_settings TO rowlock_admin;
GRANT SELECT ON TABLE admin.database_settings TO rowlock_readonly;

GRANT SELECT ON TABLE admin.dead_letters TO rowlock_admin;
GRANT SELECT ON TABLE admin.dead_letters TO rowlock_readonly;

GRANT SELECT ON TABLE admin.event_settings TO rowlock_admin;
GRANT SELECT ON TABLE admin.event_settings TO rowlock_readonly;

GRANT SELECT ON TABLE admin.house_now TO rowlock_admin;
GRANT SELECT ON TABLE admin.house_now TO rowlock_readonly;

GRANT SELECT ON TABLE admin.invariant_violations TO rowlock_admin;
GRANT SELECT ON TABLE admin.invariant_violations TO rowlock_readonly;

GRANT SELECT ON TABLE admin.lock_waits TO rowlock_admin;
GRANT SELECT ON TABLE admin.lock_waits TO rowlock_readonly;

GRANT SELECT ON TABLE admin.money TO rowlock_admin;
GRANT SELECT ON TABLE admin.money TO rowlock_readonly;

GRANT SELECT ON TABLE admin.orders TO rowlock_admin;
GRANT SELECT ON TABLE admin.orders TO rowlock_readonly;

GRANT SELECT ON TABLE admin.orders_by_state TO rowlock_admin;
GRANT SELECT ON TABLE admin.orders_by_state TO rowlock_readonly;

GRANT SELECT ON TABLE admin.overdue_orders TO rowlock_admin;
GRANT SELECT ON TABLE admin.overdue_orders TO rowlock_readonly;

GRANT SELECT ON TABLE admin.refunds_due TO rowlock_admin;
GRANT SELECT ON TABLE admin.refunds_due TO rowlock_readonly;

GRANT SELECT ON TABLE admin.sales_by_minute TO rowlock_admin;
GRANT SELECT ON TABLE admin.sales_by_minute TO rowlock_readonly;

GRANT SELECT ON TABLE admin.sales_by_section TO rowlock_admin;
GRANT SELECT ON TABLE admin.sales_by_section TO rowlock_readonly;

GRANT SELECT ON TABLE admin.seat_map TO rowlock_admin;
GRANT SELECT ON TABLE admin.seat_map TO rowlock_readonly;

ALTER DEFAULT PRIVILEGES FOR ROLE rowlock_owner REVOKE ALL ON FUNCTIONS  FROM PUBLIC;
