-- Creates the rows of a section from a JSON list; p_path names the list in errors. _create_section has already checked its shape and seat
-- counts, because it needs their sum first; the labels are checked here. Each is unique in its section: a row and a seat are printed on the
-- ticket, and two rows of one label send people to the wrong one.
-- Errors: RL006.
create or replace function rowlock._create_rows(p_event_id bigint, p_section_no integer, p_rows jsonb, p_path text) returns void
language plpgsql
as $$
declare
    v_repeated bigint;
begin
    insert into rowlock.section_rows (event_id, section_no, row_no, label, first_seat, last_seat)
    select
        p_event_id,
        p_section_no,
        r.no,
        rowlock._json_text(p_value => r.value -> 'label', p_path => format('%s[%s].label', p_path, r.no - 1), p_min => 1, p_max => 20),
        sum(s.seats) over up_to_here - s.seats + 1,
        sum(s.seats) over up_to_here
    from jsonb_array_elements(p_rows) with ordinality as r (value, no)
    cross join lateral (select (r.value -> 'seats')::integer as seats) s
    window up_to_here as (order by r.no);

    select min(r.row_no) into v_repeated
    from (
        select s.row_no, row_number() over (partition by s.label order by s.row_no) as nth
        from rowlock.section_rows s
        where s.event_id = p_event_id and s.section_no = p_section_no
    ) r
    where r.nth > 1;
    if v_repeated is not null then
        perform rowlock._invalid_request(format('%s[%s].label', p_path, v_repeated - 1), 'is the label of an earlier row');
    end if;
end
$$;

comment on function rowlock._create_rows(bigint, integer, jsonb, text) is 'Creates the rows of a section from a checked JSON list.';
