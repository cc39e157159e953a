-- Removes the orders that have ended from the rows of rowlock.deadlines before p_before, and deletes rows that are left without orders: an
-- order that has ended never waits for a payment again. So the table stays as small as the sales of one payment window.
--
-- Locks: the rows of rowlock.deadlines that change, passing over locked ones.
create or replace function rowlock._clear_deadlines(p_before timestamptz) returns void
language plpgsql
as $$
begin
    with looked_at as materialized (
        select d.ctid as deadline_row, cardinality(d.order_ids) as listed,
            array(
                select i.order_id
                from unnest(d.order_ids) as i (order_id)
                cross join lateral (
                    select from rowlock.orders o
                    where o.event_id = d.event_id and o.order_id = i.order_id and o.status = 'pending_payment'
                    limit 1
                ) o
            ) as pending
        from rowlock.deadlines d
        where d.expires_at < p_before
    ), locked as materialized (
        select l.deadline_row, l.pending
        from looked_at l
        join rowlock.deadlines d on d.ctid = l.deadline_row
        where cardinality(l.pending) < l.listed
        for update of d skip locked
    ), done as (
        delete from rowlock.deadlines d
        using locked l
        where d.ctid = l.deadline_row and l.pending = '{}'
    )
    update rowlock.deadlines d
    set order_ids = l.pending
    from locked l
    where d.ctid = l.deadline_row and l.pending <> '{}';
end
$$;

comment on function rowlock._clear_deadlines(timestamptz) is 'Removes ended orders from rowlock.deadlines.';
