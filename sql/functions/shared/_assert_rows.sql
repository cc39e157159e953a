-- Aborts the batch if a statement touched a number of rows other than the locks taken before it guarantee.
-- Errors: RL009.
create or replace function rowlock._assert_rows(p_actual bigint, p_expected bigint, p_what text) returns void
language plpgsql
as $$
begin
    if p_actual is distinct from p_expected then
        raise exception using
            errcode = 'RL009',
            message = 'inconsistent',
            detail = format('%s: %s rows where %s were expected', p_what, coalesce(p_actual, 0), p_expected),
            hint = 'Ask admin.invariant_violations what is wrong with the event.';
    end if;
end
$$;

comment on function rowlock._assert_rows(bigint, bigint, text) is 'Raises RL009 unless both counts are the same.';
