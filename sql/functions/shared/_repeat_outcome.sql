-- The outcome of a request whose idempotency key has come before: the same request gets what the first one created, any other is refused.
--
-- Immutable and without settings of its own, so that the planner inlines it.
create or replace function rowlock._repeat_outcome(p_fingerprint bytea, p_first_fingerprint bytea) returns text
language sql
immutable
as $$
    select case when p_fingerprint = p_first_fingerprint then 'replayed' else 'idempotency_key_reused' end
$$;

comment on function rowlock._repeat_outcome(bytea, bytea) is
    'The outcome of a request whose idempotency key has come before.';
