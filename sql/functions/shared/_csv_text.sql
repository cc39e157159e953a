-- A text as it may stand in a cell of a CSV file. Spreadsheets run a cell that begins with = + - or @, also in their full-width forms, and
-- skip tabs and line ends before them: an apostrophe in front makes it the text it is. Quotes and commas are the writer's affair.
create or replace function rowlock._csv_text(p_text text) returns text
language sql
immutable
as $$
    select case when p_text ~ '^[-=+@\t\n\r\uff0b\uff0d\uff1d\uff20]' then '''' || p_text else p_text end
$$;

comment on function rowlock._csv_text(text) is
    'A text as it may stand in a cell of a CSV file: never one that a spreadsheet runs. Private.';
