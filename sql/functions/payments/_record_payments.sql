-- Locks the orders of a batch of payment notices, records every payment whose identity is new, and sorts the notices:
--   o_payable_rows  where the rows of the orders to be paid together are: the notice is the first of its order and of its identity,
--                   brings the right money for a pending order, and was recorded just now (as paid)
--   o_one_by_one    numbers of all other notices, in the order they came
--   o_fresh         numbers of those among them that were recorded just now: as failed, or as owed back until they buy something
--
-- It is one statement because a second pass over the batch would cost as much as the first. It locks every order before it records
-- anything, in sorted order both times. If two servers record one identity, they meet at its primary key: the later one waits, then finds
-- it recorded.
--
-- Locks: orders (by id), payments (by identity).
create or replace function rowlock._record_payments(
    p_event_id             bigint,
    p_order_ids            uuid[],
    p_providers            text[],
    p_provider_references  text[],
    p_amounts_minor        bigint[],
    p_currencies           text[],
    p_succeeded            boolean[],
    p_message_ids          text[],
    out o_payable_rows     tid[],
    out o_one_by_one       integer[],
    out o_fresh            integer[]
)
language plpgsql
as $$
declare
    v_currency constant text := (select e.currency from rowlock.events e where e.event_id = p_event_id);
begin
    with notices as (
        select n.order_id, n.provider, n.reference, n.amount_minor, n.currency, n.succeeded, n.message_id, n.no,
            row_number() over (partition by n.order_id order by n.no) = 1 as first_of_order,
            row_number() over (partition by n.provider, n.reference order by n.no) = 1 as first_of_identity
        from unnest(p_order_ids, p_providers, p_provider_references, p_amounts_minor, p_currencies, p_succeeded, p_message_ids)
            with ordinality as n (order_id, provider, reference, amount_minor, currency, succeeded, message_id, no)
        order by n.order_id
    ), locked as materialized (
        select n.order_id, n.provider, n.reference, n.amount_minor, n.currency, n.succeeded, n.message_id, n.no, n.first_of_identity,
            o.order_row,
            coalesce(n.first_of_order and n.first_of_identity and n.succeeded and n.currency = v_currency
                    and o.status = 'pending_payment' and o.amount_minor = n.amount_minor, false) as payable
        from notices n
        left join lateral (
            select o.ctid as order_row, o.status, o.amount_minor
            from rowlock.orders o
            where o.event_id = p_event_id and o.order_id = n.order_id
            limit 1
            for update
        ) o on true
    ), recorded as (
        insert into rowlock.payments
            (event_id, provider, provider_reference, order_id, amount_minor, currency, status, outcome, received_at, failed_message_ids)
        select p_event_id, l.provider, l.reference, l.order_id, l.amount_minor, l.currency,
            case when l.succeeded then 'succeeded' else 'failed' end::rowlock.payment_status,
            case when l.payable then 'paid' when l.succeeded then 'refund_due' else 'failed_recorded' end::rowlock.payment_outcome,
            date_trunc('milliseconds', clock_timestamp()), case when not l.succeeded then array[l.message_id] end
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
    into o_payable_rows, o_one_by_one, o_fresh
    from sorted s;
end
$$;

comment on function rowlock._record_payments(bigint, uuid[], text[], text[], bigint[], text[], boolean[], text[]) is
    'Locks the orders of payment notices, records new payments, and finds which can be paid together.';
