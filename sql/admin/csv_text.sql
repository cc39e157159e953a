-- Makes a text safe for a CSV cell, with an apostrophe before what a spreadsheet would run:
--   \copy (select admin.csv_text(customer) as customer, amount_minor from admin.orders where event_id = 1) to 'orders.csv' csv header
-- Numbers do not need it and stay numbers, negative ones too.
-- Locks: none.
-- Errors: none.
create or replace function admin.csv_text(p_text text) returns text
language plpgsql
immutable
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
begin
    return rowlock._csv_text(p_text);
end
$$;

comment on function admin.csv_text(text) is
    'Makes a text safe for a CSV cell: a spreadsheet never runs it. For rowlock_admin.';
grant execute on function admin.csv_text(text) to rowlock_admin;
