-- Creates a draft event with its sections, rows and seats, all or nothing, and answers its id. _create_event says what p_event holds.
-- Locks: none but on its own new rows.
-- Errors: RL007.
create or replace function rowlock.create_event(p_event jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, rowlock, pg_temp as $body$
begin
    return rowlock._create_event(p_event, 'rowlock.create_event', null);
end
$body$;
comment on function rowlock.create_event(jsonb) is 'Creates a draft event with its sections, rows and seats; answers its id.';
grant execute on function rowlock.create_event(jsonb) to rowlock_app;
