-- The five roles. They belong to the whole cluster, so another database may have created them already, or be creating them now.
do $$
declare
    v_belonging constant text := case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end;
    v_role      text;
begin
    foreach v_role in array array['rowlock_owner', 'rowlock_migrator', 'rowlock_app', 'rowlock_admin', 'rowlock_readonly'] loop
        begin
            if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
                execute format('create role %I nologin', v_role);
            end if;
        exception
            when duplicate_object or unique_violation then null;
        end;
    end loop;
    begin
        if not pg_catalog.pg_has_role('rowlock_migrator', 'rowlock_owner', 'member') then
            grant rowlock_owner to rowlock_migrator;
        end if;
        -- A migrating user that is no superuser must be able to hand objects to their owner. From PostgreSQL 16 on, creating a role makes
        -- one a member that cannot become it.
        if not pg_catalog.pg_has_role(current_user, 'rowlock_owner', v_belonging) then
            execute format('grant rowlock_owner to %I', current_user);
        end if;
    exception
        when duplicate_object or unique_violation then null;
        when insufficient_privilege then
            raise exception using
                errcode = '42501',
                message = format('the login %s may not become rowlock_owner: have a superuser run `grant rowlock_migrator to %1$I`, '
                        'or migrate as one', current_user);
    end;
end
$$;

create schema rowlock authorization rowlock_owner;
create schema admin authorization rowlock_owner;
comment on schema rowlock is 'Rowlock''s tables, and the functions that are the only way to change them.';
comment on schema admin is 'What operators read and run from psql.';

grant usage on schema rowlock to rowlock_app;
grant usage on schema rowlock, admin to rowlock_admin;
grant usage on schema admin to rowlock_readonly;

-- Nothing is callable by everyone: each function file grants what it intends to.
alter default privileges for role rowlock_owner revoke execute on functions from public;
