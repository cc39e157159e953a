-- Returns the id of this database, which servers put into what they keep in Redis: two databases that share a Redis never take each other's
-- numbers for their own, even if one is a copy of the other. A copy by `create database … template` has an oid of its own, one restored
-- from a dump in another cluster the identifier of that cluster. Only a physical copy of the whole cluster has the same id.
-- Locks: none. Errors: none.
create or replace function rowlock.database_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
declare
    v_cluster bigint;
begin
    begin
        execute 'select c.system_identifier from pg_control_system() c' into v_cluster;
    exception
        -- Everybody may ask, unless a provider has forbidden it.
        when insufficient_privilege then null;
    end;
    return (
        select substr(encode(sha256(uuid_send(i.database_id) || convert_to(concat_ws(':', d.oid, v_cluster), 'UTF8')), 'hex'), 1, 32)::uuid
        from rowlock.identity i
        join pg_database d on d.datname = current_database()
    );
end
$$;

comment on function rowlock.database_id() is 'Returns the id of this database, which no other database has.';
grant execute on function rowlock.database_id() to rowlock_app;
