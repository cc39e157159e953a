-- Why an order of this status cannot be changed, for people.
create or replace function rowlock._not_pending_objection(p_order_id uuid, p_status rowlock.order_status) returns text
language sql
stable
as $$
    select format('order %s is %s: only a pending order can be changed', p_order_id, p_status)
$$;

comment on function rowlock._not_pending_objection(uuid, rowlock.order_status) is 'Why an order of this status cannot be changed.';
