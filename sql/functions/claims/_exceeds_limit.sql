-- Whether a customer who holds and owns p_live_seats would exceed the event's limit with p_wanted more.
--
-- Immutable and without settings of its own, so that the planner inlines it.
create or replace function rowlock._exceeds_limit(p_live_seats integer, p_wanted integer, p_limit integer) returns boolean
language sql
immutable
as $$
    select p_live_seats + p_wanted > p_limit
$$;

comment on function rowlock._exceeds_limit(integer, integer, integer) is
    'Whether a customer would exceed the event''s seat limit.';
