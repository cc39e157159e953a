-- Makes a text safe for a CSV cell. Spreadsheets run a cell that begins with = + - or @, also in their full-width forms, and skip tabs and
-- line breaks before them: a leading apostrophe makes it plain text. Where the comma is the decimal mark, they split at semicolons instead,
-- within quotes too: so what follows a semicolon is treated like the beginning of a cell. Quotes and commas are left to whatever writes the
-- CSV.
create or replace function rowlock._csv_text(p_text text) returns text
language sql
immutable
as $$
    select regexp_replace(
        p_text, '^(?=[-=+@\t\n\r\uff0b\uff0d\uff1d\uff20])|;(?=["\s]*[-=+@\uff0b\uff0d\uff1d\uff20])', '\&''', 'g'
    )
$$;

comment on function rowlock._csv_text(text) is
    'Makes a text safe for a CSV cell: a spreadsheet never runs it.';
