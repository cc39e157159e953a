-- Everything sold of an event, one row per seat, for accounting and for the doors:
--   \copy (select * from admin.sale_export(1)) to 'sale.csv' csv header
-- csv_text puts an apostrophe before texts that a spreadsheet would run; numbers stay numbers. reversed_at: when
-- the payment was reversed, so that the doors know. Reads all payments of the event once.
-- Locks: none.
-- Errors: RL001.
create or replace function admin.sale_export(p_event_id bigint)
returns table (
    section text, row_label text, seat integer, price_minor bigint, currency text, order_id uuid, customer_id text,
    ordered_at timestamptz, paid_at timestamptz, provider text, provider_reference text, reversed_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, rowlock, pg_temp
as $$
#variable_conflict use_column
begin
    if not exists (select from rowlock.events e where e.event_id = p_event_id) then
        perform rowlock._event_not_found(p_event_id);
    end if;
    return query
    select rowlock._csv_text(s.code), rowlock._csv_text(r.label), t.seat_no, s.price_minor, e.currency, t.order_id,
        rowlock._csv_text(o.customer_id), o.created_at, t.issued_at, rowlock._csv_text(p.provider),
        rowlock._csv_text(p.provider_reference), p.reversed_at
    from rowlock.tickets t
    join rowlock.events e on e.event_id = t.event_id
    join rowlock.sections s on s.event_id = t.event_id and s.section_no = t.section_no
    join rowlock.section_rows r on r.event_id = t.event_id and r.section_no = t.section_no
        and t.seat_no between r.first_seat and r.last_seat
    join rowlock.orders o on o.event_id = t.event_id and o.order_id = t.order_id
    left join rowlock.payments p on p.event_id = t.event_id and p.order_id = t.order_id and p.outcome in ('paid', 'late_reclaimed')
        and p.amount_minor > 0
    where t.event_id = p_event_id
    order by t.section_no, t.seat_no;
end
$$;

comment on function admin.sale_export(bigint) is
    'Everything sold of an event, one row per seat, with buyers and payments. For rowlock_admin.';
grant execute on function admin.sale_export(bigint) to rowlock_admin;
