-- Makes a text safe for a CSV cell. Spreadsheets run a cell that begins with = + - or @, also in their full-width forms, and skip tabs and
-- line breaks before them: a leading apostrophe makes it plain text. Quotes and commas are left to whatever writes the CSV.
create or replace function rowlock._csv_text(p_text text) returns text
language sql
immutable
as $$
    select case when p_text ~ '^[-=+@\t\n\r\uff0b\uff0d\uff1d\uff20]' then '''' || p_text else p_text end
$$;

comment on function rowlock._csv_text(text) is
    'Makes a text safe for a CSV cell: a spreadsheet never runs it.';
