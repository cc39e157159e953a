-- What is wrong with a text meant for people; null if nothing is. Callers check its length.
--
-- Control characters break tickets, logs and files; bidirectional controls show a text in another order than it has, and line and paragraph
-- separators break it; programs take noncharacters for the end of a text or for another byte order; and a text must not consist of
-- invisible characters only (Unicode's categories Cc, Cf, Zs, Zl and Zp, its properties White_Space and Default_Ignorable_Code_Point,
-- U+2800 and U+1D159). Joiners are fine between other characters: emoji and Indic scripts need them. src/types/text.rs is the same rule
-- for the API, in the same words; a test compares them.
create or replace function rowlock._text_objection(p_text text) returns text
language sql
immutable
as $$
    select case
        when p_text ~ '[\u0001-\u001f\u007f-\u009f]' then
            'must not contain control characters'
        when p_text ~ '[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]' then
            'must not contain characters that reorder or break its line, such as U+202E'
        when p_text ~ (
            '[\ufdd0-\ufdef\ufffe\uffff\U0001fffe\U0001ffff\U0002fffe\U0002ffff\U0003fffe\U0003ffff\U0004fffe\U0004ffff'
                '\U0005fffe\U0005ffff\U0006fffe\U0006ffff\U0007fffe\U0007ffff\U0008fffe\U0008ffff\U0009fffe\U0009ffff'
                '\U000afffe\U000affff\U000bfffe\U000bffff\U000cfffe\U000cffff\U000dfffe\U000dffff\U000efffe\U000effff\U000ffffe\U000fffff'
                '\U0010fffe\U0010ffff]'
        ) then
            'must not contain noncharacters, such as U+FFFE'
        when p_text <> '' and p_text !~ (
            '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680\u17b4\u17b5'
                '\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb'
                '\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]'
        ) then
            'must not be blank: it needs a character that can be seen'
    end
$$;

comment on function rowlock._text_objection(text) is 'What is wrong with a text meant for people; null if nothing is.';
