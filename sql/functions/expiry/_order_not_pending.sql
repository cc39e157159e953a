-- Raises RL006: the order has ended. Volatile, like _invalid_request.
-- Errors: RL006 always.
create or replace function rowlock._order_not_pending(p_order_id uuid, p_status rowlock.order_status) returns void
language plpgsql
as $$
begin
    raise exception using
        errcode = 'RL006',
        message = 'order_not_pending',
        detail = format('order %s is %s: only a pending order can be changed', p_order_id, p_status);
end
$$;

comment on function rowlock._order_not_pending(uuid, rowlock.order_status) is 'Raises RL006.';
