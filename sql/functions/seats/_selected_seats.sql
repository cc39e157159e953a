-- Reads an operator's selection of seats: sections by their codes, each with seat numbers and ranges, or alone for the whole section: `A
-- 1-20 35, B 5, C`. Returns one row per range, in the order written; ranges may overlap.
-- Errors: RL001, RL002, RL003 (detail: what the section has), RL006.
create or replace function rowlock._selected_seats(p_event_id bigint, p_seats text)
returns table (section_no integer, first_seat integer, last_seat integer)
language plpgsql
stable
as $$
#variable_conflict use_column
declare
    v_item    text;
    v_words   text[];
    v_range   text;
    v_section rowlock.sections;
    v_first   integer;
    v_last    integer;
begin
    foreach v_item in array string_to_array(coalesce(p_seats, ''), ',') loop
        v_words := regexp_split_to_array(regexp_replace(v_item, '^\s+|\s+$', '', 'g'), '\s+');
        if v_words[1] = '' then
            perform rowlock._invalid_request('seats', 'has a comma with nothing before or after it');
        end if;
        v_section := rowlock._section_of(p_event_id, v_words[1]);
        if cardinality(v_words) = 1 then
            return query select v_section.section_no, 1, v_section.capacity;
        end if;
        foreach v_range in array v_words[2:] loop
            if v_range !~ '^\d{1,7}(-\d{1,7})?$' then
                perform rowlock._invalid_request('seats', format('"%s" is neither a seat number nor a range; write: A 1-20 35, B 5',
                    left(v_range, 50)));
            end if;
            v_first := split_part(v_range, '-', 1)::integer;
            v_last := coalesce(nullif(split_part(v_range, '-', 2), ''), split_part(v_range, '-', 1))::integer;
            if v_first > v_last then
                perform rowlock._invalid_request('seats', format('"%s" runs backwards: write the lower number first', v_range));
            end if;
            if v_first < 1 or v_last > v_section.capacity then
                raise exception using errcode = 'RL003', message = 'seat_not_found',
                    detail = format('section %s has seats 1 to %s, not %s', v_section.code, v_section.capacity, v_range);
            end if;
            return query select v_section.section_no, v_first, v_last;
        end loop;
    end loop;
end
$$;

comment on function rowlock._selected_seats(bigint, text) is 'Reads an operator''s selection of seats: A 1-20 35, B 5, C.';
