-- The answer to a customer who wants to change an order: the order as it is now; or, if it must not be changed, p_refusal, with p_objection
-- as its detail.
--
-- A refusal is a row and no exception: each exception would be several lines in PostgreSQL's log, and a customer can be refused any number
-- of times.
--
-- Locks: none.
create or replace function rowlock._order_answer(
    p_event_id    bigint,
    p_order_id    uuid,
    p_customer_id text,
    p_refusal     text,
    p_objection   text
)
returns rowlock.order_answer
language plpgsql
stable
as $$
declare
    v_answer rowlock.order_answer;
begin
    if p_refusal is not null then
        v_answer.refusal := p_refusal;
        v_answer.detail := p_objection;
        return v_answer;
    end if;
    select null::text, null::text, o.event_id, o.order_id, o.customer_id, o.status::text, o.section_nos, o.seat_nos, o.amount_minor,
        o.created_at, o.expires_at
    into v_answer
    from rowlock.orders o
    where o.event_id = p_event_id and o.order_id = p_order_id and o.customer_id = p_customer_id;
    return v_answer;
end
$$;

comment on function rowlock._order_answer(bigint, uuid, text, text, text) is
    'The answer to a customer who wants to change an order: the order as it is now, or why it was not changed.';
