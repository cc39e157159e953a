-- Whether a customer who holds and owns p_live_seats would have more seats than the event allows with p_wanted more.
--
-- Immutable and without settings of its own, so that the planner puts it in line.
create or replace function rowlock._exceeds_limit(p_live_seats integer, p_wanted integer, p_limit integer) returns boolean
language sql
immutable
as $$
    select p_live_seats + p_wanted > p_limit
$$;

comment on function rowlock._exceeds_limit(integer, integer, integer) is
    'Whether a customer would hold and own more seats than the event allows. Private.';
