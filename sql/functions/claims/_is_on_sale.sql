-- Whether an event's seats are on sale now: from on_sale_at on, before off_sale_at, where these are set.
--
-- Without settings of its own, so that the planner inlines it.
create or replace function rowlock._is_on_sale(p_status rowlock.event_status, p_on_sale_at timestamptz, p_off_sale_at timestamptz)
returns boolean
language sql
as $$
    select p_status = 'open' and coalesce(p_on_sale_at <= clock_timestamp(), true) and coalesce(p_off_sale_at > clock_timestamp(), true)
$$;

comment on function rowlock._is_on_sale(rowlock.event_status, timestamptz, timestamptz) is
    'Whether an event''s seats are on sale now.';
