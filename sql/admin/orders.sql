-- Orders with their seats as people name them. rowlock.shown_orders explains how customers are shown.
create or replace view admin.orders with (security_barrier) as
select o.event_id, o.order_id, o.customer, o.status::text as status,
    (
        select string_agg(s.code || ' ' || l.seat_no, ', ' order by l.place)
        from unnest(o.section_nos, o.seat_nos) with ordinality as l (section_no, seat_no, place)
        join rowlock.sections s on s.event_id = o.event_id and s.section_no = l.section_no
    ) as seats,
    o.amount_minor, o.created_at, o.expires_at, o.ended_at
from rowlock.shown_orders o;

comment on view admin.orders is 'Every order. For rowlock_admin and rowlock_readonly, which sees pseudonyms for customers.';
comment on column admin.orders.event_id is 'The event.';
comment on column admin.orders.order_id is 'The order; its id begins with the time of the claim, so later orders sort after earlier ones.';
comment on column admin.orders.customer is 'The buyer: the id for rowlock_admin, a pseudonym for others.';
comment on column admin.orders.status is 'pending_payment, paid, expired, cancelled, refund_due or refunded.';
comment on column admin.orders.seats is 'The seats it claimed, by section and number.';
comment on column admin.orders.amount_minor is 'Their total price, in minor units of the event''s currency.';
comment on column admin.orders.created_at is 'When the claim succeeded.';
comment on column admin.orders.expires_at is 'The deadline for the payment.';
comment on column admin.orders.ended_at is 'When it was paid, expired or cancelled, or late money for it was found to need a refund.';
grant select on admin.orders to rowlock_admin, rowlock_readonly;
