-- What becomes of a request whose idempotency key has made an order before: the same request gets that order, another one is refused.
--
-- Immutable and without settings of its own, so that the planner puts it in line.
create or replace function rowlock._repeat_outcome(p_fingerprint bytea, p_first_fingerprint bytea) returns text
language sql
immutable
as $$
    select case when p_fingerprint = p_first_fingerprint then 'replayed' else 'idempotency_key_reused' end
$$;

comment on function rowlock._repeat_outcome(bytea, bytea) is
    'What becomes of a request whose idempotency key has made an order before. Private.';
