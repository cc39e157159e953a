-- The settings in force for each event. Claims see a change from its commit on; servers show it within half a second.
create or replace view admin.event_settings as
select e.event_id, e.name, e.venue, e.status::text as status, e.window_ms, e.seats_per_customer, e.unpaid_orders_max, e.unpaid_window_ms,
    e.cooldown_ms, e.currency, e.on_sale_at, e.off_sale_at, e.starts_at, e.opened_at, e.created_at, e.updated_at
from rowlock.events e
order by e.event_id;

comment on view admin.event_settings is 'Each event''s settings. For rowlock_admin and rowlock_readonly.';
comment on column admin.event_settings.event_id is 'The event.';
comment on column admin.event_settings.name is 'What people call it.';
comment on column admin.event_settings.venue is 'Where it takes place.';
comment on column admin.event_settings.status is 'draft, open, paused or closed.';
comment on column admin.event_settings.window_ms is 'How long a new order holds its seats, in milliseconds.';
comment on column admin.event_settings.seats_per_customer is 'How many seats one customer may hold and own in total.';
comment on column admin.event_settings.unpaid_orders_max is
    'How many orders a customer may let end unpaid within unpaid_window_ms before the cooldown.';
comment on column admin.event_settings.unpaid_window_ms is 'How long an order that ended unpaid counts, in milliseconds.';
comment on column admin.event_settings.cooldown_ms is 'How long such a customer cannot claim, in milliseconds; 0: no cooldown.';
comment on column admin.event_settings.currency is 'ISO 4217 code of its prices.';
comment on column admin.event_settings.on_sale_at is 'No claim succeeds before this moment; null: as soon as it is open.';
comment on column admin.event_settings.off_sale_at is 'No claim succeeds from this moment on; null: until it is closed.';
comment on column admin.event_settings.starts_at is 'When the concert starts, if known.';
comment on column admin.event_settings.opened_at is 'When it was first opened; null: never, and only admins see it.';
comment on column admin.event_settings.created_at is 'When the event was created.';
comment on column admin.event_settings.updated_at is 'When its settings last changed.';
grant select on admin.event_settings to rowlock_admin, rowlock_readonly;
