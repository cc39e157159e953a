-- Creates a draft event with its sections, rows and seats, and returns its id. rowlock._create_event says what p_event may hold.
-- Locks: only its own new rows.
-- Errors: RL006.
create or replace function admin.create_event(p_event jsonb, p_reason text) returns bigint
language plpgsql
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    return rowlock._create_event(p_event, 'admin.create_event', rowlock._check_reason(p_reason));
end
$$;

comment on function admin.create_event(jsonb, text) is 'Creates a draft event from JSON; returns its id. For rowlock_admin.';
grant execute on function admin.create_event(jsonb, text) to rowlock_admin;
