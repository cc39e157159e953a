-- A text as it may stand in a cell of a CSV file, with an apostrophe before what a spreadsheet would run:
--   \copy (select admin.csv_text(customer) as customer, amount_minor from admin.orders where event_id = 1) to 'orders.csv' csv header
-- Numbers need it not, and stay numbers, negative ones too.
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
    'A text as it may stand in a cell of a CSV file, never one that a spreadsheet runs. For rowlock_admin.';
grant execute on function admin.csv_text(text) to rowlock_admin;
