-- Refuses a batch of payment notices if an array is missing, holds a null, or differs in length from the others.
-- Errors: RL006.
create or replace function rowlock._check_notices(
    p_order_ids           uuid[],
    p_providers           text[],
    p_provider_references text[],
    p_amounts_minor       bigint[],
    p_currencies          text[],
    p_succeeded           boolean[],
    p_message_ids         text[]
)
returns void
language plpgsql
as $$
begin
    if num_nulls(p_order_ids, p_providers, p_provider_references, p_amounts_minor, p_currencies, p_succeeded, p_message_ids) > 0
        or cardinality(p_order_ids) <> any (array[cardinality(p_providers), cardinality(p_provider_references),
            cardinality(p_amounts_minor), cardinality(p_currencies), cardinality(p_succeeded), cardinality(p_message_ids)])
    then
        perform rowlock._invalid_request('notices', 'the arrays must have one element per notice');
    end if;
    if array_position(p_order_ids, null) is not null or array_position(p_providers, null) is not null
        or array_position(p_provider_references, null) is not null or array_position(p_amounts_minor, null) is not null
        or array_position(p_currencies, null) is not null or array_position(p_succeeded, null) is not null
        or array_position(p_message_ids, null) is not null
    then
        perform rowlock._invalid_request('notices', 'must not hold a null');
    end if;
end
$$;

comment on function rowlock._check_notices(uuid[], text[], text[], bigint[], text[], boolean[], text[]) is
    'Raises RL006 unless the arrays describe a batch of payment notices.';
