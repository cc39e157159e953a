-- The schema as PostgreSQL 15 dumps it, without what functions and views do: their files say that. Generated: `make schema` writes it anew.

CREATE SCHEMA admin;

COMMENT ON SCHEMA admin IS 'What operators read and run from psql.';

CREATE SCHEMA rowlock;

COMMENT ON SCHEMA rowlock IS 'Rowlock''s tables, and the functions that are the only way to change them.';

CREATE TYPE rowlock.claim_answer AS (
	request_no integer,
	outcome text,
	order_id uuid,
	order_status text,
	section_nos integer[],
	seat_nos integer[],
	amount_minor bigint,
	created_at timestamp with time zone,
	expires_at timestamp with time zone,
	taken_section_nos integer[],
	taken_seat_nos integer[],
	retry_after_ms integer
);

COMMENT ON TYPE rowlock.claim_answer IS 'The answer to one claim request; sql/README.md lists the outcomes.';

CREATE TYPE rowlock.event_row AS (
	event_id bigint,
	name text,
	venue text,
	starts_at timestamp with time zone,
	on_sale_at timestamp with time zone,
	off_sale_at timestamp with time zone,
	status text,
	opened_at timestamp with time zone,
	window_ms integer,
	seats_per_customer integer,
	unpaid_orders_max integer,
	unpaid_window_ms integer,
	cooldown_ms integer,
	currency text,
	created_at timestamp with time zone,
	updated_at timestamp with time zone
);

COMMENT ON TYPE rowlock.event_row IS 'An event''s settings as the reading functions return them.';

CREATE TYPE rowlock.event_status AS ENUM (
    'draft',
    'open',
    'paused',
    'closed'
);

COMMENT ON TYPE rowlock.event_status IS 'draft, then open; an open event can be paused and opened again; closed is final.';

CREATE TYPE rowlock.order_answer AS (
	refusal text,
	detail text,
	event_id bigint,
	order_id uuid,
	customer_id text,
	status text,
	section_nos integer[],
	seat_nos integer[],
	amount_minor bigint,
	created_at timestamp with time zone,
	expires_at timestamp with time zone
);

COMMENT ON TYPE rowlock.order_answer IS 'An order after a change, or why it was not changed; sql/README.md lists the refusals.';

CREATE TYPE rowlock.order_row AS (
	event_id bigint,
	order_id uuid,
	customer_id text,
	status text,
	section_nos integer[],
	seat_nos integer[],
	amount_minor bigint,
	currency text,
	created_at timestamp with time zone,
	expires_at timestamp with time zone,
	ended_at timestamp with time zone
);

COMMENT ON TYPE rowlock.order_row IS 'An order as the reading functions return it.';

CREATE TYPE rowlock.order_status AS ENUM (
    'pending_payment',
    'paid',
    'expired',
    'cancelled',
    'refund_due',
    'refunded'
);

COMMENT ON TYPE rowlock.order_status IS 'pending_payment (unless the order is free) ends as paid, expired or cancelled; late money that gets no seats leads to refund_due, then refunded.';

CREATE TYPE rowlock.payment_outcome AS ENUM (
    'paid',
    'late_reclaimed',
    'refund_due',
    'failed_recorded'
);

COMMENT ON TYPE rowlock.payment_outcome IS 'The outcome of a payment notice, recorded for good.';

CREATE TYPE rowlock.payment_status AS ENUM (
    'succeeded',
    'failed'
);

COMMENT ON TYPE rowlock.payment_status IS 'What the gateway said about a payment.';

CREATE TYPE rowlock.seat_status AS ENUM (
    'available',
    'held',
    'sold',
    'blocked'
);

COMMENT ON TYPE rowlock.seat_status IS 'The status of a seat: on sale, held by a pending order, sold with a ticket, or blocked by the box office.';

CREATE FUNCTION admin.block_seats(p_event_id bigint, p_seats text, p_reason text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.block_seats(p_event_id bigint, p_seats text, p_reason text) IS 'Blocks seats, all or none; returns how many changed. Example: A 1-20 35, B 5, C. For rowlock_admin.';

CREATE FUNCTION admin.change_event(p_event_id bigint, p_change jsonb, p_reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.change_event(p_event_id bigint, p_change jsonb, p_reason text) IS 'Changes settings or status of an event; existing orders keep their deadlines. For rowlock_admin.';

CREATE FUNCTION admin.change_window(p_event_id bigint, p_window_ms integer, p_reason text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.change_window(p_event_id bigint, p_window_ms integer, p_reason text) IS 'Changes an event''s payment window; returns the previous value. Existing orders keep their deadlines. For rowlock_admin.';

CREATE FUNCTION admin.close_event(p_event_id bigint, p_reason text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.close_event(p_event_id bigint, p_reason text) IS 'Closes an event for good; returns its status. For rowlock_admin.';

CREATE FUNCTION admin.create_api_key(p_name text, p_hash bytea, p_reason text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.create_api_key(p_name text, p_hash bytea, p_reason text) IS 'Records a new API key by its SHA-256; returns its id. For rowlock_admin.';

CREATE FUNCTION admin.create_event(p_event jsonb, p_reason text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.create_event(p_event jsonb, p_reason text) IS 'Creates a draft event from JSON; returns its id. For rowlock_admin.';

CREATE FUNCTION admin.csv_text(p_text text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.csv_text(p_text text) IS 'Makes a text safe for a CSV cell: a spreadsheet never runs it. For rowlock_admin.';

CREATE FUNCTION admin.delete_event(p_event_id bigint, p_reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.delete_event(p_event_id bigint, p_reason text) IS 'Deletes a draft with its sections, rows and seats. For rowlock_admin.';

CREATE FUNCTION admin.mark_refunded(p_event_id bigint, p_provider text, p_provider_reference text, p_reason text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.mark_refunded(p_event_id bigint, p_provider text, p_provider_reference text, p_reason text) IS 'Records that a payment that was owed back has been refunded; returns the status of its order. For rowlock_admin.';

CREATE FUNCTION admin.open_event(p_event_id bigint, p_reason text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.open_event(p_event_id bigint, p_reason text) IS 'Opens an event for sale; returns its status. For rowlock_admin.';

CREATE FUNCTION admin.order_timeline(p_order_id uuid) RETURNS TABLE(at timestamp with time zone, what text, detail text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.order_timeline(p_order_id uuid) IS 'What happened to an order, step by step. For rowlock_admin.';

CREATE FUNCTION admin.pause_event(p_event_id bigint, p_reason text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.pause_event(p_event_id bigint, p_reason text) IS 'Pauses an event''s sale; returns its status. For rowlock_admin.';

CREATE FUNCTION admin.redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_reason text) IS 'Retries a dead letter at once. For rowlock_admin.';

CREATE FUNCTION admin.release_order(p_event_id bigint, p_order_id uuid, p_reason text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.release_order(p_event_id bigint, p_order_id uuid, p_reason text) IS 'Ends a pending order as cancelled and puts its seats back on sale; returns how many. For rowlock_admin.';

CREATE FUNCTION admin.revoke_api_key(p_api_key_id bigint, p_reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.revoke_api_key(p_api_key_id bigint, p_reason text) IS 'Revokes an API key for good. For rowlock_admin.';

CREATE FUNCTION admin.sale_export(p_event_id bigint) RETURNS TABLE(section text, row_label text, seat integer, price_minor bigint, currency text, order_id uuid, customer_id text, ordered_at timestamp with time zone, paid_at timestamp with time zone, provider text, provider_reference text, reversed_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.sale_export(p_event_id bigint) IS 'Everything sold of an event, one row per seat, with buyers and payments. For rowlock_admin.';

CREATE FUNCTION admin.seat_history(p_event_id bigint, p_section text, p_seat_no integer) RETURNS TABLE(from_at timestamp with time zone, until_at timestamp with time zone, seat_was text, order_id uuid, who text, why_it_ended text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.seat_history(p_event_id bigint, p_section text, p_seat_no integer) IS 'Who held a seat and who owned it, when, and why that ended. For rowlock_admin.';

CREATE FUNCTION admin.unblock_seats(p_event_id bigint, p_seats text, p_reason text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION admin.unblock_seats(p_event_id bigint, p_seats text, p_reason text) IS 'Puts blocked seats back on sale, all or none; returns how many changed. Example: A 1-20 35, B 5, C. For rowlock_admin.';

CREATE FUNCTION rowlock._admit_searches(p_limit integer, p_outcomes text[], p_answers uuid[], p_order_ids uuid[], p_fingerprints bytea[], p_customer_nos integer[], p_key_nos integer[], p_live_seats integer[], p_asked_section_nos integer[], p_quantities integer[], p_section_nos integer[], p_available integer[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_admitted boolean[]) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._admit_searches(p_limit integer, p_outcomes text[], p_answers uuid[], p_order_ids uuid[], p_fingerprints bytea[], p_customer_nos integer[], p_key_nos integer[], p_live_seats integer[], p_asked_section_nos integer[], p_quantities integer[], p_section_nos integer[], p_available integer[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_admitted boolean[]) IS 'One round of deciding best-available claims, up to the search.';

CREATE FUNCTION rowlock._assert_rows(p_actual bigint, p_expected bigint, p_what text) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._assert_rows(p_actual bigint, p_expected bigint, p_what text) IS 'Raises RL009 unless both counts are the same.';

CREATE FUNCTION rowlock._available_seats(p_event_id bigint, p_section_no integer, p_from_seat integer, p_limit integer, p_lost integer[]) RETURNS TABLE(row_no integer, seat_no integer)
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowlock._available_seats(p_event_id bigint, p_section_no integer, p_from_seat integer, p_limit integer, p_lost integer[]) IS 'The available seats of a section, front to back, with their rows.';

CREATE FUNCTION rowlock._begin_claims(p_event_id bigint, p_customer_ids text[], p_idempotency_keys text[], OUT o_limit integer, OUT o_window_ms integer, OUT o_unpaid_orders_max integer, OUT o_unpaid_window_ms integer, OUT o_cooldown_ms integer, OUT o_is_on_sale boolean, OUT o_are_distinct boolean, OUT o_customer_nos integer[], OUT o_key_nos integer[]) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._begin_claims(p_event_id bigint, p_customer_ids text[], p_idempotency_keys text[], OUT o_limit integer, OUT o_window_ms integer, OUT o_unpaid_orders_max integer, OUT o_unpaid_window_ms integer, OUT o_cooldown_ms integer, OUT o_is_on_sale boolean, OUT o_are_distinct boolean, OUT o_customer_nos integer[], OUT o_key_nos integer[]) IS 'Reads the event of a batch of claims, locks the customers, and numbers those that come more than once.';

CREATE FUNCTION rowlock._block_listed(p_event_id bigint, p_section_no integer, p_first_seats integer[], p_last_seats integer[], p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text) RETURNS integer
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._block_listed(p_event_id bigint, p_section_no integer, p_first_seats integer[], p_last_seats integer[], p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text) IS 'Blocks or unblocks the seats of a section that a server lists, all or none.';

CREATE FUNCTION rowlock._block_selected(p_event_id bigint, p_seats text, p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text, p_reason text) RETURNS integer
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._block_selected(p_event_id bigint, p_seats text, p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text, p_reason text) IS 'Blocks or unblocks the seats that an operator selected, all or none.';

CREATE FUNCTION rowlock._change_blocked(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text, p_reason text) RETURNS integer
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._change_blocked(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text, p_reason text) IS 'Moves listed seats between available and blocked, all or none, and logs which.';

CREATE FUNCTION rowlock._change_event(p_event_id bigint, p_change jsonb, p_function text, p_reason text) RETURNS text
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._change_event(p_event_id bigint, p_change jsonb, p_function text, p_reason text) IS 'Changes settings and status of an event and logs it; returns the status.';

CREATE FUNCTION rowlock._check_claims(p_event_id bigint, p_limit integer, p_unpaid_orders_max integer, p_unpaid_window_ms integer, p_cooldown_ms integer, p_is_on_sale boolean, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_key_nos integer[], p_quantities integer[], p_faults text[], OUT o_live_seats integer[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_retry_after_ms integer[]) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._check_claims(p_event_id bigint, p_limit integer, p_unpaid_orders_max integer, p_unpaid_window_ms integer, p_cooldown_ms integer, p_is_on_sale boolean, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_key_nos integer[], p_quantities integer[], p_faults text[], OUT o_live_seats integer[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_retry_after_ms integer[]) IS 'Decides what it can about each claim of a batch before any seat is looked at.';

CREATE FUNCTION rowlock._check_limit(p_limit integer) RETURNS integer
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._check_limit(p_limit integer) IS 'Checks how many rows somebody asks for; refuses what is out of bounds.';

CREATE FUNCTION rowlock._check_notices(p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[], p_message_ids text[]) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._check_notices(p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[], p_message_ids text[]) IS 'Raises RL006 unless the arrays describe a batch of payment notices.';

CREATE FUNCTION rowlock._check_reason(p_reason text) RETURNS text
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._check_reason(p_reason text) IS 'Reads the reason for a change made from psql; refuses a blank one.';

CREATE FUNCTION rowlock._claim_answers(p_event_id bigint, p_outcomes text[], p_order_ids uuid[], p_answers uuid[], p_firsts integer[], p_quantities integer[], p_amounts bigint[], p_section_nos integer[], p_seat_nos integer[], p_blamed boolean[], p_retry_after_ms integer[], p_created_at timestamp with time zone, p_expires_at timestamp with time zone) RETURNS SETOF rowlock.claim_answer
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowlock._claim_answers(p_event_id bigint, p_outcomes text[], p_order_ids uuid[], p_answers uuid[], p_firsts integer[], p_quantities integer[], p_amounts bigint[], p_section_nos integer[], p_seat_nos integer[], p_blamed boolean[], p_retry_after_ms integer[], p_created_at timestamp with time zone, p_expires_at timestamp with time zone) IS 'The answers to a batch of claims.';

CREATE FUNCTION rowlock._clear_deadlines(p_before timestamp with time zone) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._clear_deadlines(p_before timestamp with time zone) IS 'Removes ended orders from rowlock.deadlines.';

CREATE FUNCTION rowlock._close_refund(p_event_id bigint, p_order_id uuid) RETURNS boolean
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._close_refund(p_event_id bigint, p_order_id uuid) IS 'Makes an order refunded if nothing more is owed for it.';

CREATE FUNCTION rowlock._cooldown_left_ms(p_event_id bigint, p_customer_id text, p_last_paid_at timestamp with time zone, p_unpaid_orders_max integer, p_unpaid_window_ms integer, p_cooldown_ms integer) RETURNS integer
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowlock._cooldown_left_ms(p_event_id bigint, p_customer_id text, p_last_paid_at timestamp with time zone, p_unpaid_orders_max integer, p_unpaid_window_ms integer, p_cooldown_ms integer) IS 'How long a customer who has let too many orders end unpaid still has to wait; null: not at all.';

CREATE FUNCTION rowlock._count_claimed(p_event_id bigint, p_amounts bigint[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[]) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._count_claimed(p_event_id bigint, p_amounts bigint[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[]) IS 'Moves the counts of the seats that a batch won, to sold or to held.';

CREATE FUNCTION rowlock._create_api_key(p_name text, p_hash bytea, p_function text, p_reason text) RETURNS bigint
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._create_api_key(p_name text, p_hash bytea, p_function text, p_reason text) IS 'Records a new API key by its SHA-256; returns its id.';

CREATE FUNCTION rowlock._create_event(p_event jsonb, p_function text, p_reason text) RETURNS bigint
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._create_event(p_event jsonb, p_function text, p_reason text) IS 'Creates a draft event with its sections, rows and seats, and logs it; returns its id.';

CREATE FUNCTION rowlock._create_rows(p_event_id bigint, p_section_no integer, p_rows jsonb, p_path text) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._create_rows(p_event_id bigint, p_section_no integer, p_rows jsonb, p_path text) IS 'Creates the rows of a section from a checked JSON list.';

CREATE FUNCTION rowlock._create_section(p_event_id bigint, p_section_no integer, p_section jsonb, p_path text) RETURNS integer
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._create_section(p_event_id bigint, p_section_no integer, p_section jsonb, p_path text) IS 'Creates a section and its rows, and returns its capacity.';

CREATE FUNCTION rowlock._csv_text(p_text text) RETURNS text
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowlock._csv_text(p_text text) IS 'Makes a text safe for a CSV cell: a spreadsheet never runs it.';

CREATE FUNCTION rowlock._decide_seat_claims(p_limit integer, p_outcomes text[], p_answers uuid[], p_order_ids uuid[], p_fingerprints bytea[], p_customer_nos integer[], p_key_nos integer[], p_live_seats integer[], p_firsts integer[], p_quantities integer[], p_missing boolean[], p_first_nos integer[], p_seat_rows tid[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_blamed boolean[]) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._decide_seat_claims(p_limit integer, p_outcomes text[], p_answers uuid[], p_order_ids uuid[], p_fingerprints bytea[], p_customer_nos integer[], p_key_nos integer[], p_live_seats integer[], p_firsts integer[], p_quantities integer[], p_missing boolean[], p_first_nos integer[], p_seat_rows tid[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_blamed boolean[]) IS 'Decides a batch''s claims of explicit seats, first come first served.';

CREATE FUNCTION rowlock._delete_event(p_event_id bigint, p_function text, p_reason text) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._delete_event(p_event_id bigint, p_function text, p_reason text) IS 'Deletes a draft and logs it.';

CREATE FUNCTION rowlock._end_orders(p_order_rows tid[], p_from rowlock.order_status[], p_status rowlock.order_status, p_at timestamp with time zone, OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_order_ids uuid[]) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._end_orders(p_order_rows tid[], p_from rowlock.order_status[], p_status rowlock.order_status, p_at timestamp with time zone, OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_order_ids uuid[]) IS 'Sets orders to their final status and returns their seats.';

CREATE FUNCTION rowlock._event_fingerprint(p_event jsonb) RETURNS bytea
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowlock._event_fingerprint(p_event jsonb) IS 'Tells requests for new events apart, whatever their spelling.';

CREATE FUNCTION rowlock._event_not_found(p_event_id bigint) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._event_not_found(p_event_id bigint) IS 'Raises RL001.';

CREATE FUNCTION rowlock._exceeds_limit(p_live_seats integer, p_wanted integer, p_limit integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowlock._exceeds_limit(p_live_seats integer, p_wanted integer, p_limit integer) IS 'Whether a customer would exceed the event''s seat limit.';

CREATE FUNCTION rowlock._find_nearest(p_event_id bigint, p_section_no integer, p_quantity integer, p_count integer, p_taken integer[]) RETURNS integer[]
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._find_nearest(p_event_id bigint, p_section_no integer, p_quantity integer, p_count integer, p_taken integer[]) IS 'Chooses the seats of a section nearest together, for several requests of one quantity.';

CREATE FUNCTION rowlock._find_seats(p_event_id bigint, p_section_no integer, p_request_nos integer[], p_quantities integer[], p_hints integer[], p_lost integer[], OUT o_request_nos integer[], OUT o_seat_nos integer[], OUT o_from_seat integer) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._find_seats(p_event_id bigint, p_section_no integer, p_request_nos integer[], p_quantities integer[], p_hints integer[], p_lost integer[], OUT o_request_nos integer[], OUT o_seat_nos integer[], OUT o_from_seat integer) IS 'Chooses seats of one section for best-available requests: together in a row, otherwise nearest together.';

CREATE FUNCTION rowlock._find_together(p_event_id bigint, p_section_no integer, p_quantities integer[], p_from_seat integer, p_limit integer, p_lost integer[], OUT o_starts integer[], OUT o_from_seat integer) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._find_together(p_event_id bigint, p_section_no integer, p_quantities integer[], p_from_seat integer, p_limit integer, p_lost integer[], OUT o_starts integer[], OUT o_from_seat integer) IS 'Chooses seats together, front-most first, for several requests of one section.';

CREATE FUNCTION rowlock._format_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[]) RETURNS text
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowlock._format_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[]) IS 'Formats a list of seats as people write it: A 1-20 35, B 5.';

CREATE FUNCTION rowlock._invalid_request(p_path text, p_problem text) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._invalid_request(p_path text, p_problem text) IS 'Raises RL006 with a detail that names the field.';

CREATE FUNCTION rowlock._is_currency(p_code text) RETURNS boolean
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowlock._is_currency(p_code text) IS 'Whether a code is the ISO 4217 code of a currency in use.';

CREATE FUNCTION rowlock._is_on_sale(p_status rowlock.event_status, p_on_sale_at timestamp with time zone, p_off_sale_at timestamp with time zone) RETURNS boolean
    LANGUAGE sql;

COMMENT ON FUNCTION rowlock._is_on_sale(p_status rowlock.event_status, p_on_sale_at timestamp with time zone, p_off_sale_at timestamp with time zone) IS 'Whether an event''s seats are on sale now.';

CREATE FUNCTION rowlock._json_integer(p_value jsonb, p_path text, p_min bigint, p_max bigint) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE;

COMMENT ON FUNCTION rowlock._json_integer(p_value jsonb, p_path text, p_min bigint, p_max bigint) IS 'Reads a whole number within bounds from a JSON value.';

CREATE FUNCTION rowlock._json_object(p_value jsonb, p_path text, p_known text[]) RETURNS void
    LANGUAGE plpgsql IMMUTABLE;

COMMENT ON FUNCTION rowlock._json_object(p_value jsonb, p_path text, p_known text[]) IS 'Checks that a value is an object with known fields only.';

CREATE FUNCTION rowlock._json_text(p_value jsonb, p_path text, p_min integer, p_max integer) RETURNS text
    LANGUAGE plpgsql IMMUTABLE;

COMMENT ON FUNCTION rowlock._json_text(p_value jsonb, p_path text, p_min integer, p_max integer) IS 'Reads a text within length bounds from a JSON value.';

CREATE FUNCTION rowlock._json_time(p_value jsonb, p_path text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowlock._json_time(p_value jsonb, p_path text) IS 'Reads an RFC 3339 time from a JSON value; null stays null.';

CREATE FUNCTION rowlock._kept_seats_objection(p_section_nos integer[], p_seat_nos integer[], p_kept_section_nos integer[], p_kept_seat_nos integer[]) RETURNS text
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowlock._kept_seats_objection(p_section_nos integer[], p_seat_nos integer[], p_kept_section_nos integer[], p_kept_seat_nos integer[]) IS 'What is wrong with a list of seats to keep; null if nothing is.';

CREATE FUNCTION rowlock._live_orders(p_event_id bigint, p_customer_id text, p_idempotency_key text) RETURNS TABLE(live_seats integer, last_paid_at timestamp with time zone, order_id uuid, fingerprint bytea)
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowlock._live_orders(p_event_id bigint, p_customer_id text, p_idempotency_key text) IS 'The seats that a customer holds and owns, the last payment, and the live order that came with an idempotency key.';

CREATE FUNCTION rowlock._lock_available_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_is_wanted boolean[] DEFAULT '{}'::boolean[], OUT o_seat_rows tid[], OUT o_first_nos integer[], OUT o_are_all boolean) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._lock_available_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_is_wanted boolean[], OUT o_seat_rows tid[], OUT o_first_nos integer[], OUT o_are_all boolean) IS 'Locks available seats without waiting and returns where their rows are.';

CREATE FUNCTION rowlock._lock_order(p_event_id bigint, p_order_id uuid, p_customer_id text, OUT o_row tid, OUT o_status rowlock.order_status, OUT o_section_nos integer[], OUT o_seat_nos integer[]) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._lock_order(p_event_id bigint, p_order_id uuid, p_customer_id text, OUT o_row tid, OUT o_status rowlock.order_status, OUT o_section_nos integer[], OUT o_seat_nos integer[]) IS 'Locks a customer''s order.';

CREATE FUNCTION rowlock._lock_sections(p_event_id bigint, p_section_nos integer[]) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._lock_sections(p_event_id bigint, p_section_nos integer[]) IS 'Locks sections in order.';

CREATE FUNCTION rowlock._lock_settlement(p_event_id bigint, p_order_ids uuid[]) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._lock_settlement(p_event_id bigint, p_order_ids uuid[]) IS 'Locks the customers of late orders, the seats of pending ones and the sections of all, in order.';

CREATE FUNCTION rowlock._lock_unhindered(p_event_id bigint, p_order_rows tid[]) RETURNS tid[]
    LANGUAGE plpgsql
    SET lock_timeout TO '20ms';

COMMENT ON FUNCTION rowlock._lock_unhindered(p_event_id bigint, p_order_rows tid[]) IS 'Locks the seats and sections of orders, and returns the orders of which nobody else has locked any.';

CREATE FUNCTION rowlock._log_action(p_function text, p_event_id bigint, p_order_id uuid, p_reason text, p_arguments jsonb, p_before jsonb, p_after jsonb) RETURNS void
    LANGUAGE sql;

COMMENT ON FUNCTION rowlock._log_action(p_function text, p_event_id bigint, p_order_id uuid, p_reason text, p_arguments jsonb, p_before jsonb, p_after jsonb) IS 'Records what an operator changed, and why.';

CREATE FUNCTION rowlock._move_seat_counts(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._move_seat_counts(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status) IS 'Moves the counts of seats that changed from one status to another, section by section.';

CREATE FUNCTION rowlock._next_status(p_event_id bigint, p_now rowlock.event_status, p_next text) RETURNS rowlock.event_status
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._next_status(p_event_id bigint, p_now rowlock.event_status, p_next text) IS 'The status to which an event goes, if it can go there from its own.';

CREATE FUNCTION rowlock._not_pending_objection(p_order_id uuid, p_status rowlock.order_status) RETURNS text
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowlock._not_pending_objection(p_order_id uuid, p_status rowlock.order_status) IS 'Why an order of this status cannot be changed.';

CREATE FUNCTION rowlock._order_answer(p_event_id bigint, p_order_id uuid, p_customer_id text, p_refusal text, p_objection text) RETURNS rowlock.order_answer
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowlock._order_answer(p_event_id bigint, p_order_id uuid, p_customer_id text, p_refusal text, p_objection text) IS 'The answer to a customer who wants to change an order: the order as it is now, or why it was not changed.';

CREATE FUNCTION rowlock._pay_orders(p_event_id bigint, p_order_rows tid[], p_from rowlock.seat_status, p_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._pay_orders(p_event_id bigint, p_order_rows tid[], p_from rowlock.seat_status, p_at timestamp with time zone) IS 'Makes orders paid and their seats sold, with one ticket each.';

CREATE FUNCTION rowlock._place_orders(p_event_id bigint, p_window_ms integer, p_outcomes text[], p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_firsts integer[], p_quantities integer[], p_amounts bigint[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], p_seat_rows tid[], p_won_seats integer, OUT o_created_at timestamp with time zone, OUT o_expires_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._place_orders(p_event_id bigint, p_window_ms integer, p_outcomes text[], p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_firsts integer[], p_quantities integer[], p_amounts bigint[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], p_seat_rows tid[], p_won_seats integer, OUT o_created_at timestamp with time zone, OUT o_expires_at timestamp with time zone) IS 'Takes the seats of a batch''s winners and creates their orders.';

CREATE TABLE rowlock.events (
    event_id bigint NOT NULL,
    name text NOT NULL,
    venue text NOT NULL,
    starts_at timestamp with time zone,
    on_sale_at timestamp with time zone,
    off_sale_at timestamp with time zone,
    status rowlock.event_status DEFAULT 'draft'::rowlock.event_status NOT NULL,
    opened_at timestamp with time zone,
    window_ms integer NOT NULL,
    seats_per_customer integer NOT NULL,
    unpaid_orders_max integer NOT NULL,
    chosen_unpaid_window_ms integer,
    unpaid_window_ms integer GENERATED ALWAYS AS (COALESCE(chosen_unpaid_window_ms, (LEAST(GREATEST((600000)::bigint, (((unpaid_orders_max + 1))::bigint * window_ms)), (86400000)::bigint))::integer)) STORED NOT NULL,
    cooldown_ms integer NOT NULL,
    currency text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    pruned_to uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
    CONSTRAINT events_check CHECK ((off_sale_at > on_sale_at)),
    CONSTRAINT events_check1 CHECK (((opened_at IS NOT NULL) OR (status = ANY (ARRAY['draft'::rowlock.event_status, 'closed'::rowlock.event_status])))),
    CONSTRAINT events_check2 CHECK (((opened_at IS NULL) OR (status <> 'draft'::rowlock.event_status))),
    CONSTRAINT events_chosen_unpaid_window_ms_check CHECK (((chosen_unpaid_window_ms >= 1000) AND (chosen_unpaid_window_ms <= 86400000))),
    CONSTRAINT events_cooldown_ms_check CHECK (((cooldown_ms >= 0) AND (cooldown_ms <= 86400000))),
    CONSTRAINT events_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT events_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT events_seats_per_customer_check CHECK (((seats_per_customer >= 1) AND (seats_per_customer <= 1000))),
    CONSTRAINT events_unpaid_orders_max_check CHECK (((unpaid_orders_max >= 1) AND (unpaid_orders_max <= 100))),
    CONSTRAINT events_venue_check CHECK ((char_length(venue) <= 200)),
    CONSTRAINT events_window_ms_check CHECK (((window_ms >= 1000) AND (window_ms <= 86400000)))
);

COMMENT ON TABLE rowlock.events IS 'One row per concert session.';

COMMENT ON COLUMN rowlock.events.event_id IS 'The first column of every key: an event is always in one database as a whole.';

COMMENT ON COLUMN rowlock.events.name IS 'What people call it, 1 to 200 characters.';

COMMENT ON COLUMN rowlock.events.venue IS 'Where it takes place, at most 200 characters.';

COMMENT ON COLUMN rowlock.events.starts_at IS 'When the concert starts, if known.';

COMMENT ON COLUMN rowlock.events.on_sale_at IS 'No claim succeeds before this moment; null: as soon as the event is open.';

COMMENT ON COLUMN rowlock.events.off_sale_at IS 'No claim succeeds from this moment on; null: until the event is closed.';

COMMENT ON COLUMN rowlock.events.status IS 'Seats are sold only while open.';

COMMENT ON COLUMN rowlock.events.opened_at IS 'When it was first opened; null: never, and only admins see it.';

COMMENT ON COLUMN rowlock.events.window_ms IS 'How long a pending order holds its seats, in milliseconds, 1 s to 24 h.';

COMMENT ON COLUMN rowlock.events.seats_per_customer IS 'How many seats one customer may hold and own in total, over all orders.';

COMMENT ON COLUMN rowlock.events.unpaid_orders_max IS 'How many orders a customer may let end unpaid within unpaid_window_ms, since the last that was paid for; then comes the cooldown.';

COMMENT ON COLUMN rowlock.events.chosen_unpaid_window_ms IS 'What an operator has chosen for unpaid_window_ms; null: it follows window_ms and unpaid_orders_max.';

COMMENT ON COLUMN rowlock.events.unpaid_window_ms IS 'How long an order that ended unpaid counts, in milliseconds, 1 s to 24 h: as chosen, or else unpaid_orders_max + 1 payment windows, 10 minutes at least.';

COMMENT ON COLUMN rowlock.events.cooldown_ms IS 'How long after the last order that ended unpaid such a customer cannot claim, in milliseconds, up to 24 h; 0: no cooldown.';

COMMENT ON COLUMN rowlock.events.currency IS 'ISO 4217 code; every price of the event is in its minor units.';

COMMENT ON COLUMN rowlock.events.created_at IS 'When the event was created.';

COMMENT ON COLUMN rowlock.events.updated_at IS 'When its settings last changed.';

COMMENT ON COLUMN rowlock.events.pruned_to IS 'Orders up to this one have been looked at by prune_unpaid_orders.';

CREATE FUNCTION rowlock._read_settings(p_event rowlock.events, p_settings jsonb) RETURNS rowlock.events
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._read_settings(p_event rowlock.events, p_settings jsonb) IS 'Reads settings of an event from JSON into the event.';

CREATE FUNCTION rowlock._read_wanted_seats(p_event_id bigint, p_requests integer, p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], OUT o_firsts integer[], OUT o_quantities integer[], OUT o_amounts bigint[], OUT o_faults text[], OUT o_missing boolean[]) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._read_wanted_seats(p_event_id bigint, p_requests integer, p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], OUT o_firsts integer[], OUT o_quantities integer[], OUT o_amounts bigint[], OUT o_faults text[], OUT o_missing boolean[]) IS 'Reads which seats the claims of a batch ask for, what they cost and what is wrong with them.';

CREATE FUNCTION rowlock._reclaim_order(p_event_id bigint, p_order_row tid, p_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._reclaim_order(p_event_id bigint, p_order_row tid, p_at timestamp with time zone) IS 'Claims a late order''s seats again and pays it, if they are on sale, all of them are free, and the limit holds.';

CREATE FUNCTION rowlock._record_payments(p_event_id bigint, p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[], p_message_ids text[], OUT o_payable_rows tid[], OUT o_one_by_one integer[], OUT o_fresh integer[]) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._record_payments(p_event_id bigint, p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[], p_message_ids text[], OUT o_payable_rows tid[], OUT o_one_by_one integer[], OUT o_fresh integer[]) IS 'Locks the orders of payment notices, records new payments, and finds which can be paid together.';

CREATE FUNCTION rowlock._redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_function text, p_reason text) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_function text, p_reason text) IS 'Retries a dead letter at once, and logs it.';

CREATE FUNCTION rowlock._release_orders(p_event_id bigint, p_order_rows tid[], p_status rowlock.order_status, p_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._release_orders(p_event_id bigint, p_order_rows tid[], p_status rowlock.order_status, p_at timestamp with time zone) IS 'Ends pending orders as expired or cancelled and puts their seats back on sale.';

CREATE FUNCTION rowlock._release_seats(p_event_id bigint, p_order_row tid, p_kept_section_nos integer[], p_kept_seat_nos integer[], p_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._release_seats(p_event_id bigint, p_order_row tid, p_kept_section_nos integer[], p_kept_seat_nos integer[], p_at timestamp with time zone) IS 'Takes from a pending order the seats it does not keep.';

CREATE TABLE rowlock.payments (
    event_id bigint NOT NULL,
    provider text NOT NULL COLLATE pg_catalog."C",
    provider_reference text NOT NULL COLLATE pg_catalog."C",
    order_id uuid NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    status rowlock.payment_status NOT NULL,
    outcome rowlock.payment_outcome NOT NULL,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    refunded_at timestamp with time zone,
    reversed_at timestamp with time zone,
    failed_message_ids text[] COLLATE pg_catalog."C",
    CONSTRAINT payments_amount_minor_check CHECK ((amount_minor >= 0)),
    CONSTRAINT payments_check CHECK (((status = 'failed'::rowlock.payment_status) = (outcome = 'failed_recorded'::rowlock.payment_outcome))),
    CONSTRAINT payments_check1 CHECK (((refunded_at IS NULL) OR (outcome = 'refund_due'::rowlock.payment_outcome))),
    CONSTRAINT payments_check2 CHECK (((reversed_at IS NULL) OR (status = 'succeeded'::rowlock.payment_status))),
    CONSTRAINT payments_provider_check CHECK (((char_length(provider) >= 1) AND (char_length(provider) <= 100))),
    CONSTRAINT payments_provider_reference_check CHECK (((char_length(provider_reference) >= 1) AND (char_length(provider_reference) <= 200)))
);

COMMENT ON TABLE rowlock.payments IS 'One row per payment that a gateway reported, with its outcome. Money is never turned away unrecorded.';

COMMENT ON COLUMN rowlock.payments.event_id IS 'The event it pays for.';

COMMENT ON COLUMN rowlock.payments.provider IS 'The gateway''s name.';

COMMENT ON COLUMN rowlock.payments.provider_reference IS 'The gateway''s id for the payment: the same id is the same money.';

COMMENT ON COLUMN rowlock.payments.order_id IS 'The order the notice named; it may not exist.';

COMMENT ON COLUMN rowlock.payments.amount_minor IS 'What was paid, in minor units.';

COMMENT ON COLUMN rowlock.payments.currency IS 'ISO 4217 code of the money.';

COMMENT ON COLUMN rowlock.payments.status IS 'What the gateway said: succeeded or failed; it stays succeeded if the payment was reversed.';

COMMENT ON COLUMN rowlock.payments.outcome IS 'paid and late_reclaimed bought seats; refund_due is owed back; failed_recorded moved no money.';

COMMENT ON COLUMN rowlock.payments.received_at IS 'When the notice was settled.';

COMMENT ON COLUMN rowlock.payments.refunded_at IS 'When the money was marked as refunded, if it was owed back.';

COMMENT ON COLUMN rowlock.payments.reversed_at IS 'When the gateway reported that a payment that had succeeded failed after all: a charge-back, or a transfer that bounced.';

COMMENT ON COLUMN rowlock.payments.failed_message_ids IS 'Ids of the notices that reported its failure before it succeeded: one of them that is sent again is no reversal.';

CREATE FUNCTION rowlock._repeat_notice(p_recorded rowlock.payments, p_succeeded boolean, p_message_id text, p_at timestamp with time zone, OUT o_outcome text, OUT o_recorded text) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._repeat_notice(p_recorded rowlock.payments, p_succeeded boolean, p_message_id text, p_at timestamp with time zone, OUT o_outcome text, OUT o_recorded text) IS 'Settles another notice for a recorded payment: a duplicate, or the reversal of one that had succeeded.';

CREATE FUNCTION rowlock._repeat_outcome(p_fingerprint bytea, p_first_fingerprint bytea) RETURNS text
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowlock._repeat_outcome(p_fingerprint bytea, p_first_fingerprint bytea) IS 'The outcome of a request whose idempotency key has come before.';

CREATE FUNCTION rowlock._revoke_api_key(p_api_key_id bigint, p_function text, p_reason text) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._revoke_api_key(p_api_key_id bigint, p_function text, p_reason text) IS 'Revokes an API key for good.';

CREATE FUNCTION rowlock._search_sections(p_event_id bigint, p_asked_section_nos integer[], p_quantities integer[], p_admitted boolean[], p_lost_section_nos integer[], p_lost_seat_nos integer[], OUT o_request_nos integer[], OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_seat_rows tid[], OUT o_hint_section_nos integer[], OUT o_hint_quantities integer[], OUT o_hint_from_seats integer[], OUT o_hint_releases bigint[]) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._search_sections(p_event_id bigint, p_asked_section_nos integer[], p_quantities integer[], p_admitted boolean[], p_lost_section_nos integer[], p_lost_seat_nos integer[], OUT o_request_nos integer[], OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_seat_rows tid[], OUT o_hint_section_nos integer[], OUT o_hint_quantities integer[], OUT o_hint_from_seats integer[], OUT o_hint_releases bigint[]) IS 'Chooses and locks seats for a round of best-available claims.';

CREATE TABLE rowlock.sections (
    event_id bigint NOT NULL,
    section_no integer NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    price_minor bigint NOT NULL,
    capacity integer NOT NULL,
    available integer NOT NULL,
    held integer DEFAULT 0 NOT NULL,
    sold integer DEFAULT 0 NOT NULL,
    blocked integer DEFAULT 0 NOT NULL,
    revision bigint DEFAULT 1 NOT NULL,
    search_from integer[] DEFAULT '{}'::integer[] NOT NULL,
    releases bigint DEFAULT 0 NOT NULL,
    CONSTRAINT sections_available_check CHECK ((available >= 0)),
    CONSTRAINT sections_blocked_check CHECK ((blocked >= 0)),
    CONSTRAINT sections_capacity_check CHECK (((capacity >= 1) AND (capacity <= 1000000))),
    CONSTRAINT sections_check CHECK (((((available + held) + sold) + blocked) = capacity)),
    CONSTRAINT sections_code_check CHECK (((char_length(code) >= 1) AND (char_length(code) <= 20))),
    CONSTRAINT sections_held_check CHECK ((held >= 0)),
    CONSTRAINT sections_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT sections_price_minor_check CHECK (((price_minor >= 0) AND (price_minor <= '1000000000000'::bigint))),
    CONSTRAINT sections_section_no_check CHECK ((section_no >= 1)),
    CONSTRAINT sections_sold_check CHECK ((sold >= 0))
)
WITH (fillfactor='25', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');

COMMENT ON TABLE rowlock.sections IS 'A priced area of an event, with seat counts that change in the same transaction as the seats.';

COMMENT ON COLUMN rowlock.sections.event_id IS 'The event it belongs to.';

COMMENT ON COLUMN rowlock.sections.section_no IS 'From 1, in the order the event was described.';

COMMENT ON COLUMN rowlock.sections.code IS 'What the API and tickets call it, for example A.';

COMMENT ON COLUMN rowlock.sections.name IS 'What people call it, for example Floor A.';

COMMENT ON COLUMN rowlock.sections.price_minor IS 'Price of each of its seats in minor units; it never changes.';

COMMENT ON COLUMN rowlock.sections.capacity IS 'How many seats it has; they are numbered 1 to capacity.';

COMMENT ON COLUMN rowlock.sections.available IS 'Seats on sale now.';

COMMENT ON COLUMN rowlock.sections.held IS 'Seats held by pending orders.';

COMMENT ON COLUMN rowlock.sections.sold IS 'Seats sold.';

COMMENT ON COLUMN rowlock.sections.blocked IS 'Seats blocked by the box office.';

COMMENT ON COLUMN rowlock.sections.revision IS 'Increases with every change of its seats.';

COMMENT ON COLUMN rowlock.sections.search_from IS 'Hints for best available: element n says that no n or more seats together began below this seat when it was written. Never a reason to refuse.';

COMMENT ON COLUMN rowlock.sections.releases IS 'How many times seats came back; a search writes its hint only if this has not changed meanwhile.';

CREATE FUNCTION rowlock._section_of(p_event_id bigint, p_section text) RETURNS rowlock.sections
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowlock._section_of(p_event_id bigint, p_section text) IS 'Finds a section by its code.';

CREATE FUNCTION rowlock._section_statuses(p_event_id bigint, p_section_no integer) RETURNS text
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowlock._section_statuses(p_event_id bigint, p_section_no integer) IS 'Reads the seats of a section as one text, with its caller''s snapshot.';

CREATE FUNCTION rowlock._selected_seats(p_event_id bigint, p_seats text) RETURNS TABLE(section_no integer, first_seat integer, last_seat integer)
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowlock._selected_seats(p_event_id bigint, p_seats text) IS 'Reads an operator''s selection of seats: A 1-20 35, B 5, C.';

CREATE FUNCTION rowlock._settle_payment(p_event_id bigint, p_order_id uuid, p_provider text, p_provider_reference text, p_amount_minor bigint, p_currency text, p_succeeded boolean, p_message_id text, p_fresh boolean, p_at timestamp with time zone, OUT o_outcome text, OUT o_recorded text) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._settle_payment(p_event_id bigint, p_order_id uuid, p_provider text, p_provider_reference text, p_amount_minor bigint, p_currency text, p_succeeded boolean, p_message_id text, p_fresh boolean, p_at timestamp with time zone, OUT o_outcome text, OUT o_recorded text) IS 'Settles one recorded payment notice against its order.';

CREATE FUNCTION rowlock._spend_payment(p_event_id bigint, p_order_id uuid, p_amount_minor bigint, p_currency text, p_at timestamp with time zone) RETURNS rowlock.payment_outcome
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._spend_payment(p_event_id bigint, p_order_id uuid, p_amount_minor bigint, p_currency text, p_at timestamp with time zone) IS 'What money that has arrived buys: the seats, the seats claimed again, or a refund.';

CREATE FUNCTION rowlock._take_locks(p_class integer, p_event_id bigint, p_names text[], p_wait boolean) RETURNS integer
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._take_locks(p_class integer, p_event_id bigint, p_names text[], p_wait boolean) IS 'Takes the advisory locks of a class with these names until the transaction ends, and returns how many.';

CREATE FUNCTION rowlock._text_objection(p_text text) RETURNS text
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowlock._text_objection(p_text text) IS 'What is wrong with a text meant for people; null if nothing is.';

CREATE FUNCTION rowlock._wait_for_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[]) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._wait_for_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[]) IS 'Locks listed seats, waiting for each.';

CREATE FUNCTION rowlock._win_found(p_outcomes text[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], p_seat_rows tid[], OUT o_outcomes text[], OUT o_request_nos integer[], OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_seat_rows tid[], OUT o_lost_section_nos integer[], OUT o_lost_seat_nos integer[]) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._win_found(p_outcomes text[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], p_seat_rows tid[], OUT o_outcomes text[], OUT o_request_nos integer[], OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_seat_rows tid[], OUT o_lost_section_nos integer[], OUT o_lost_seat_nos integer[]) IS 'Finds which best-available claims of a round have all their seats.';

CREATE FUNCTION rowlock._write_search_hints(p_event_id bigint, p_section_nos integer[], p_quantities integer[], p_from_seats integer[], p_releases bigint[]) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowlock._write_search_hints(p_event_id bigint, p_section_nos integer[], p_quantities integer[], p_from_seats integer[], p_releases bigint[]) IS 'Writes where the next best-available search of each section may begin.';

CREATE FUNCTION rowlock.block_seats(p_event_id bigint, p_section_no integer, p_first_seats integer[], p_last_seats integer[]) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION rowlock.block_seats(p_event_id bigint, p_section_no integer, p_first_seats integer[], p_last_seats integer[]) IS 'Blocks seats of one section, all or none; returns how many changed.';

CREATE FUNCTION rowlock.cancel_order(p_event_id bigint, p_order_id uuid, p_customer_id text) RETURNS rowlock.order_answer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowlock.cancel_order(p_event_id bigint, p_order_id uuid, p_customer_id text) IS 'Cancels a customer''s pending order and puts its seats back on sale.';

CREATE FUNCTION rowlock.change_event(p_event_id bigint, p_change jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION rowlock.change_event(p_event_id bigint, p_change jsonb) IS 'Changes settings of an event, and opens, pauses or closes it; existing orders keep their deadlines.';

CREATE FUNCTION rowlock.claim_best_available(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_section_nos integer[], p_quantities integer[]) RETURNS SETOF rowlock.claim_answer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET jit TO 'off';

COMMENT ON FUNCTION rowlock.claim_best_available(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_section_nos integer[], p_quantities integer[]) IS 'Claims n seats together, or the nearest together, for a batch of requests of one event; one answer per request.';

CREATE FUNCTION rowlock.claim_seats(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[]) RETURNS SETOF rowlock.claim_answer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET jit TO 'off';

COMMENT ON FUNCTION rowlock.claim_seats(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[]) IS 'Claims explicit seats for a batch of requests of one event, all or none each, first come first served; one answer per request.';

CREATE FUNCTION rowlock.claimed_orders(p_event_id bigint, p_order_ids uuid[]) RETURNS SETOF rowlock.claim_answer
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION rowlock.claimed_orders(p_event_id bigint, p_order_ids uuid[]) IS 'The orders with these ids that exist, as answers to claims; recovers a lost answer.';

CREATE FUNCTION rowlock.claimed_together(p_event_id bigint, p_first_order_ids uuid[]) RETURNS TABLE(order_id uuid, overdue_ms integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off';

COMMENT ON FUNCTION rowlock.claimed_together(p_event_id bigint, p_first_order_ids uuid[]) IS 'Pending orders of the deadlines named by these order ids, and how long each is overdue.';

CREATE FUNCTION rowlock.create_event(p_event jsonb, p_api_key_id bigint DEFAULT NULL::bigint, p_idempotency_key text DEFAULT NULL::text) RETURNS TABLE(outcome text, event_id bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION rowlock.create_event(p_event jsonb, p_api_key_id bigint, p_idempotency_key text) IS 'Creates a draft event with its sections, rows and seats, once per idempotency key; returns its id.';

CREATE FUNCTION rowlock.database_id() RETURNS uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION rowlock.database_id() IS 'Returns the id of this database, which no other database has.';

CREATE FUNCTION rowlock.delete_event(p_event_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION rowlock.delete_event(p_event_id bigint) IS 'Deletes a draft with its sections, rows and seats.';

CREATE FUNCTION rowlock.event_availability(p_event_id bigint) RETURNS TABLE(section_no integer, code text, revision bigint, statuses text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET jit TO 'off';

COMMENT ON FUNCTION rowlock.event_availability(p_event_id bigint) IS 'Reads the status of every seat of an event, one text per section.';

CREATE FUNCTION rowlock.event_with_sections(p_event_id bigint) RETURNS TABLE(event_id bigint, name text, venue text, starts_at timestamp with time zone, on_sale_at timestamp with time zone, off_sale_at timestamp with time zone, status text, opened_at timestamp with time zone, window_ms integer, seats_per_customer integer, unpaid_orders_max integer, unpaid_window_ms integer, cooldown_ms integer, currency text, created_at timestamp with time zone, updated_at timestamp with time zone, section_no integer, code text, section_name text, price_minor bigint, capacity integer, available integer, revision bigint, row_labels text[], row_first_seats integer[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan';

COMMENT ON FUNCTION rowlock.event_with_sections(p_event_id bigint) IS 'Reads an event with its sections, their rows, and how many seats each has on sale, at one moment.';

CREATE FUNCTION rowlock.expire_orders(p_event_id bigint, p_order_ids uuid[], p_passes_locks boolean DEFAULT false) RETURNS TABLE(order_id uuid, outcome text, due_in_ms integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowlock.expire_orders(p_event_id bigint, p_order_ids uuid[], p_passes_locks boolean) IS 'Expires overdue pending orders of one event and puts their seats back on sale.';

CREATE FUNCTION rowlock.find_api_key(p_hash bytea) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan';

COMMENT ON FUNCTION rowlock.find_api_key(p_hash bytea) IS 'Finds a working API key by its SHA-256; returns its id.';

CREATE FUNCTION rowlock.get_event(p_event_id bigint) RETURNS SETOF rowlock.event_row
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan';

COMMENT ON FUNCTION rowlock.get_event(p_event_id bigint) IS 'Reads one event, drafts included; no row if there is none.';

CREATE FUNCTION rowlock.get_order(p_event_id bigint, p_order_id uuid, p_customer_id text) RETURNS SETOF rowlock.order_row
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off';

COMMENT ON FUNCTION rowlock.get_order(p_event_id bigint, p_order_id uuid, p_customer_id text) IS 'Reads one order of a customer; no row if this customer has no such order.';

CREATE FUNCTION rowlock.list_dead_letters(p_event_id bigint, p_limit integer) RETURNS TABLE(event_id bigint, order_id uuid, attempts integer, last_error text, first_failed_at timestamp with time zone, last_failed_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan';

COMMENT ON FUNCTION rowlock.list_dead_letters(p_event_id bigint, p_limit integer) IS 'Expiries given up after their retries, latest first.';

CREATE FUNCTION rowlock.list_events(p_after_event_id bigint, p_limit integer, p_with_drafts boolean, p_status text, p_starts_after timestamp with time zone, p_name text) RETURNS TABLE(event_id bigint, name text, venue text, starts_at timestamp with time zone, on_sale_at timestamp with time zone, off_sale_at timestamp with time zone, status text, opened_at timestamp with time zone, window_ms integer, seats_per_customer integer, unpaid_orders_max integer, unpaid_window_ms integer, cooldown_ms integer, currency text, created_at timestamp with time zone, updated_at timestamp with time zone, is_match boolean, ends_search boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_sort TO 'off';

COMMENT ON FUNCTION rowlock.list_events(p_after_event_id bigint, p_limit integer, p_with_drafts boolean, p_status text, p_starts_after timestamp with time zone, p_name text) IS 'Lists events, soonest first, a page at a time, filtered by status, start and name.';

CREATE FUNCTION rowlock.list_orders(p_event_id bigint, p_customer_id text, p_status text, p_after_order_id uuid, p_limit integer) RETURNS SETOF rowlock.order_row
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan';

COMMENT ON FUNCTION rowlock.list_orders(p_event_id bigint, p_customer_id text, p_status text, p_after_order_id uuid, p_limit integer) IS 'Orders of an event, newest first, a page at a time: a customer''s own or everybody''s.';

CREATE FUNCTION rowlock.migration_state() RETURNS TABLE(version integer, files integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION rowlock.migration_state() IS 'Returns how far the database is migrated.';

CREATE FUNCTION rowlock.note_api_key_use(p_api_key_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION rowlock.note_api_key_use(p_api_key_id bigint) IS 'Records that an API key was used, at most once a minute.';

CREATE FUNCTION rowlock.overdue_orders(p_grace_ms integer, p_limit integer, p_passed integer DEFAULT 0) RETURNS TABLE(event_id bigint, order_id uuid, overdue_ms integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off';

COMMENT ON FUNCTION rowlock.overdue_orders(p_grace_ms integer, p_limit integer, p_passed integer) IS 'Pending orders more than a grace period (in milliseconds) past their deadline, longest overdue first.';

CREATE FUNCTION rowlock.probe_claims() RETURNS TABLE(failure text, event_id bigint, section_code text, holder text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET lock_timeout TO '100ms';

COMMENT ON FUNCTION rowlock.probe_claims() IS 'What a claim would meet: an SQLSTATE, and sections that are locked now.';

CREATE FUNCTION rowlock.prune_unpaid_orders(p_from_event_id bigint, p_kept_days integer, p_limit integer, OUT o_event_id bigint, OUT o_deleted integer) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET jit TO 'off';

COMMENT ON FUNCTION rowlock.prune_unpaid_orders(p_from_event_id bigint, p_kept_days integer, p_limit integer, OUT o_event_id bigint, OUT o_deleted integer) IS 'Deletes old orders that ended unpaid and that nothing refers to, of one event a call.';

CREATE FUNCTION rowlock.record_expiry_failure(p_event_id bigint, p_order_id uuid, p_error text, p_attempts_max integer) RETURNS TABLE(attempts integer, retry_in_ms integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION rowlock.record_expiry_failure(p_event_id bigint, p_order_id uuid, p_error text, p_attempts_max integer) IS 'Counts a failed expiry; returns when to retry in milliseconds, or null for a dead letter.';

CREATE FUNCTION rowlock.redrive_dead_letter(p_event_id bigint, p_order_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION rowlock.redrive_dead_letter(p_event_id bigint, p_order_id uuid) IS 'Retries a dead letter at once.';

CREATE FUNCTION rowlock.refunds_due(p_event_id bigint, p_limit integer) RETURNS TABLE(provider text, provider_reference text, order_id uuid, amount_minor bigint, currency text, received_at timestamp with time zone, reversed_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION rowlock.refunds_due(p_event_id bigint, p_limit integer) IS 'Money of an event that is owed back, oldest first.';

CREATE FUNCTION rowlock.release_seats(p_event_id bigint, p_order_id uuid, p_customer_id text, p_kept_section_nos integer[], p_kept_seat_nos integer[]) RETURNS rowlock.order_answer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowlock.release_seats(p_event_id bigint, p_order_id uuid, p_customer_id text, p_kept_section_nos integer[], p_kept_seat_nos integer[]) IS 'Gives back seats of a customer''s pending order, all but those to keep; returns the order.';

CREATE FUNCTION rowlock.sales_report(p_event_id bigint) RETURNS TABLE(section_no integer, code text, name text, price_minor bigint, currency text, capacity integer, available integer, held integer, sold integer, blocked integer, revenue_minor bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION rowlock.sales_report(p_event_id bigint) IS 'Reports seats and revenue of an event by section.';

CREATE FUNCTION rowlock.section_seats(p_event_id bigint, p_section_no integer) RETURNS TABLE(revision bigint, statuses text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET jit TO 'off';

COMMENT ON FUNCTION rowlock.section_seats(p_event_id bigint, p_section_no integer) IS 'Reads the status of every seat of a section, one character per seat, with its revision.';

CREATE FUNCTION rowlock.section_summary(p_event_id bigint) RETURNS TABLE(section_no integer, code text, name text, price_minor bigint, currency text, capacity integer, available integer, revision bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan';

COMMENT ON FUNCTION rowlock.section_summary(p_event_id bigint) IS 'Reads how many seats each section of an event has on sale.';

CREATE FUNCTION rowlock.settle_payments(p_event_id bigint, p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[], p_message_ids text[]) RETURNS TABLE(notice_no integer, outcome text, recorded_outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowlock.settle_payments(p_event_id bigint, p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[], p_message_ids text[]) IS 'Records payment notices of one event and pays their orders; one row per notice.';

CREATE FUNCTION rowlock.try_lead_sweep() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION rowlock.try_lead_sweep() IS 'True if the calling transaction may sweep for overdue orders: one at a time.';

CREATE FUNCTION rowlock.unblock_seats(p_event_id bigint, p_section_no integer, p_first_seats integer[], p_last_seats integer[]) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'rowlock', 'pg_temp';

COMMENT ON FUNCTION rowlock.unblock_seats(p_event_id bigint, p_section_no integer, p_first_seats integer[], p_last_seats integer[]) IS 'Puts blocked seats of one section back on sale, all or none; returns how many changed.';

CREATE TABLE rowlock.admin_actions (
    action_id bigint NOT NULL,
    acted_at timestamp with time zone NOT NULL,
    login_role text NOT NULL,
    api_key_id bigint,
    function text NOT NULL,
    event_id bigint,
    order_id uuid,
    reason text,
    arguments jsonb NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    CONSTRAINT admin_actions_reason_check CHECK (((reason ~ '\S'::text) AND (char_length(reason) <= 500)))
);

COMMENT ON TABLE rowlock.admin_actions IS 'What operators changed, one row per call, written in the transaction that made the change. Nobody is granted the right to change it.';

COMMENT ON COLUMN rowlock.admin_actions.action_id IS 'Increases; gaps are calls that were undone.';

COMMENT ON COLUMN rowlock.admin_actions.acted_at IS 'When the change was made.';

COMMENT ON COLUMN rowlock.admin_actions.login_role IS 'The login (session_user), whatever role was set: an operator''s, or a server''s.';

COMMENT ON COLUMN rowlock.admin_actions.api_key_id IS 'The API key it was called with; null for what did not come through the API.';

COMMENT ON COLUMN rowlock.admin_actions.function IS 'What was called: admin.… from psql or by the command line; rowlock.… by a server for its API.';

COMMENT ON COLUMN rowlock.admin_actions.event_id IS 'The event concerned, if there is one.';

COMMENT ON COLUMN rowlock.admin_actions.order_id IS 'The order concerned, if there is one.';

COMMENT ON COLUMN rowlock.admin_actions.reason IS 'Why, in the operator''s words; null for what came through the API, which asks for none.';

COMMENT ON COLUMN rowlock.admin_actions.arguments IS 'The call''s other arguments.';

COMMENT ON COLUMN rowlock.admin_actions.before IS 'What the call changed, before.';

COMMENT ON COLUMN rowlock.admin_actions.after IS 'What the call changed, after; the same as before if it changed nothing.';

CREATE TABLE rowlock.api_keys (
    api_key_id bigint NOT NULL,
    name text NOT NULL,
    hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT api_keys_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT api_keys_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200)))
);

COMMENT ON TABLE rowlock.api_keys IS 'Keys of admins and box offices. Only a hash is kept: a lost key is replaced, not recovered.';

COMMENT ON COLUMN rowlock.api_keys.api_key_id IS 'Identifies the key in lists and logs.';

COMMENT ON COLUMN rowlock.api_keys.name IS 'Who the key belongs to.';

COMMENT ON COLUMN rowlock.api_keys.hash IS 'SHA-256 of the key.';

COMMENT ON COLUMN rowlock.api_keys.created_at IS 'When it was created.';

COMMENT ON COLUMN rowlock.api_keys.last_used_at IS 'When a server last accepted it, to the minute; null: never.';

COMMENT ON COLUMN rowlock.api_keys.revoked_at IS 'When it was revoked; null: it works.';

CREATE VIEW admin.action_log WITH (security_barrier='true') (
    action_id bigint,
    acted_at timestamp with time zone,
    login_role text,
    api_key_id bigint,
    api_key_name text,
    function text,
    event_id bigint,
    order_id uuid,
    reason text,
    arguments jsonb,
    before jsonb,
    after jsonb
);

COMMENT ON VIEW admin.action_log IS 'What operators changed, one row per call. For rowlock_admin and rowlock_readonly, which sees no reasons.';

COMMENT ON COLUMN admin.action_log.action_id IS 'Increases; gaps are calls that were undone.';

COMMENT ON COLUMN admin.action_log.acted_at IS 'When the change was made.';

COMMENT ON COLUMN admin.action_log.login_role IS 'The login: an operator''s, or a server''s.';

COMMENT ON COLUMN admin.action_log.api_key_id IS 'The API key a server was called with, if the change came through the API.';

COMMENT ON COLUMN admin.action_log.api_key_name IS 'The name of that key.';

COMMENT ON COLUMN admin.action_log.function IS 'What was called: admin.… from psql or by the command line; rowlock.… by a server for its API.';

COMMENT ON COLUMN admin.action_log.event_id IS 'The event concerned, if there is one.';

COMMENT ON COLUMN admin.action_log.order_id IS 'The order concerned, if there is one.';

COMMENT ON COLUMN admin.action_log.reason IS 'Why, in the operator''s words; null if none was asked for, and for anybody but rowlock_admin.';

COMMENT ON COLUMN admin.action_log.arguments IS 'The call''s other arguments.';

COMMENT ON COLUMN admin.action_log.before IS 'What the call changed, before.';

COMMENT ON COLUMN admin.action_log.after IS 'What the call changed, after.';

CREATE VIEW admin.api_keys (
    api_key_id bigint,
    name text,
    created_at timestamp with time zone,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone
);

COMMENT ON VIEW admin.api_keys IS 'The API keys of admins and box offices, one row per key. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.api_keys.api_key_id IS 'What `rowlock api-key revoke --id` and admin.revoke_api_key take.';

COMMENT ON COLUMN admin.api_keys.name IS 'Who the key belongs to.';

COMMENT ON COLUMN admin.api_keys.created_at IS 'When it was created.';

COMMENT ON COLUMN admin.api_keys.last_used_at IS 'When a server last accepted it, to the minute; null: never.';

COMMENT ON COLUMN admin.api_keys.revoked_at IS 'When it was revoked; null: it works.';

CREATE TABLE rowlock.applied_files (
    path text NOT NULL,
    checksum bytea NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

COMMENT ON TABLE rowlock.applied_files IS 'The function and view files as last applied, so that unchanged ones are skipped.';

COMMENT ON COLUMN rowlock.applied_files.path IS 'Path below sql/.';

COMMENT ON COLUMN rowlock.applied_files.checksum IS 'SHA-256 of the file.';

COMMENT ON COLUMN rowlock.applied_files.applied_at IS 'When it was applied.';

CREATE TABLE rowlock.versions (
    version text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT versions_version_check CHECK ((version ~ '^[0-9]+[.][0-9]+[.][0-9]+'::text))
);

COMMENT ON TABLE rowlock.versions IS 'The versions of Rowlock that have migrated this database: an older one must not bring its functions back.';

COMMENT ON COLUMN rowlock.versions.version IS 'Version of the rowlock binary.';

COMMENT ON COLUMN rowlock.versions.applied_at IS 'When it first migrated this database.';

CREATE VIEW admin.database_settings (
    place integer,
    name text,
    applies_to text,
    value text,
    should_be text
);

COMMENT ON VIEW admin.database_settings IS 'The PostgreSQL settings that Rowlock relies on, and how far the database is migrated. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.database_settings.place IS 'Orders the rows.';

COMMENT ON COLUMN admin.database_settings.name IS 'The setting, or what is counted.';

COMMENT ON COLUMN admin.database_settings.applies_to IS 'server: everybody without a row of their own; a login, a database, or both.';

COMMENT ON COLUMN admin.database_settings.value IS 'The value in a new session, with its unit.';

COMMENT ON COLUMN admin.database_settings.should_be IS 'What it should be; null if any value will do.';

CREATE TABLE rowlock.expiry_failures (
    event_id bigint NOT NULL,
    order_id uuid NOT NULL,
    attempts integer NOT NULL,
    last_error text NOT NULL,
    first_failed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_failed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    retry_at timestamp with time zone,
    CONSTRAINT expiry_failures_attempts_check CHECK ((attempts >= 1))
);

COMMENT ON TABLE rowlock.expiry_failures IS 'Orders whose expiry raised an error. Without a retry_at they are dead letters, kept until somebody redrives them.';

COMMENT ON COLUMN rowlock.expiry_failures.event_id IS 'The event of the order.';

COMMENT ON COLUMN rowlock.expiry_failures.order_id IS 'The order that could not be expired.';

COMMENT ON COLUMN rowlock.expiry_failures.attempts IS 'How many attempts failed.';

COMMENT ON COLUMN rowlock.expiry_failures.last_error IS 'Error of the last attempt.';

COMMENT ON COLUMN rowlock.expiry_failures.first_failed_at IS 'When the first attempt failed.';

COMMENT ON COLUMN rowlock.expiry_failures.last_failed_at IS 'When the last attempt failed.';

COMMENT ON COLUMN rowlock.expiry_failures.retry_at IS 'When the next attempt is due; null: a dead letter.';

CREATE TABLE rowlock.orders (
    event_id bigint NOT NULL,
    order_id uuid NOT NULL,
    customer_id text NOT NULL COLLATE pg_catalog."C",
    status rowlock.order_status DEFAULT 'pending_payment'::rowlock.order_status NOT NULL,
    is_live boolean GENERATED ALWAYS AS ((status = ANY (ARRAY['pending_payment'::rowlock.order_status, 'paid'::rowlock.order_status]))) STORED NOT NULL,
    ended_as rowlock.order_status GENERATED ALWAYS AS (
CASE
    WHEN (status <> ALL (ARRAY['pending_payment'::rowlock.order_status, 'paid'::rowlock.order_status])) THEN status
    ELSE NULL::rowlock.order_status
END) STORED,
    section_nos integer[] NOT NULL,
    seat_nos integer[] NOT NULL,
    amount_minor bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    idempotency_key text COLLATE pg_catalog."C",
    fingerprint bytea,
    CONSTRAINT orders_amount_minor_check CHECK ((amount_minor >= 0)),
    CONSTRAINT orders_check CHECK (((cardinality(seat_nos) = cardinality(section_nos)) AND ((cardinality(seat_nos) >= 1) AND (cardinality(seat_nos) <= 100)))),
    CONSTRAINT orders_check1 CHECK ((expires_at > created_at)),
    CONSTRAINT orders_check2 CHECK (((status = 'pending_payment'::rowlock.order_status) = (ended_at IS NULL))),
    CONSTRAINT orders_check3 CHECK (((idempotency_key IS NULL) = (fingerprint IS NULL))),
    CONSTRAINT orders_customer_id_check CHECK (((char_length(customer_id) >= 1) AND (char_length(customer_id) <= 200))),
    CONSTRAINT orders_idempotency_key_check CHECK (((char_length(idempotency_key) >= 1) AND (char_length(idempotency_key) <= 200)))
)
WITH (fillfactor='45');

COMMENT ON TABLE rowlock.orders IS 'One row per claim: who claimed which seats, for how much, until when, and how it ended.';

COMMENT ON COLUMN rowlock.orders.event_id IS 'The event whose seats it claims.';

COMMENT ON COLUMN rowlock.orders.order_id IS 'UUIDv7, chosen by the server before the claim, so that a lost answer can be looked up.';

COMMENT ON COLUMN rowlock.orders.customer_id IS 'The buyer: the sub of the bearer token.';

COMMENT ON COLUMN rowlock.orders.status IS 'pending_payment, or how it ended.';

COMMENT ON COLUMN rowlock.orders.is_live IS 'Whether it holds or owns its seats: pending or paid.';

COMMENT ON COLUMN rowlock.orders.ended_as IS 'How it gave its seats back or lost them; null while it is live.';

COMMENT ON COLUMN rowlock.orders.section_nos IS 'Sections of its seats, parallel to seat_nos.';

COMMENT ON COLUMN rowlock.orders.seat_nos IS 'Numbers of its seats. While an order is pending, seats may be removed from both arrays; none is ever added.';

COMMENT ON COLUMN rowlock.orders.amount_minor IS 'Sum of the prices of its seats, in minor units of the event''s currency.';

COMMENT ON COLUMN rowlock.orders.created_at IS 'When the claim succeeded (the database''s clock).';

COMMENT ON COLUMN rowlock.orders.expires_at IS 'The deadline for the payment.';

COMMENT ON COLUMN rowlock.orders.ended_at IS 'When it was paid, expired or cancelled, or late money for it was found to need a refund.';

COMMENT ON COLUMN rowlock.orders.idempotency_key IS 'What the client sent to make a retry harmless; unique for an event and customer.';

COMMENT ON COLUMN rowlock.orders.fingerprint IS 'SHA-256 of the request the key came with: the same key with another body is refused.';

CREATE TABLE rowlock.pseudonym_key (
    is_only boolean DEFAULT true NOT NULL,
    key bytea NOT NULL,
    CONSTRAINT pseudonym_key_is_only_check CHECK (is_only),
    CONSTRAINT pseudonym_key_key_check CHECK ((octet_length(key) = 32))
);

COMMENT ON TABLE rowlock.pseudonym_key IS 'The secret that turns customer ids into the pseudonyms that rowlock_readonly sees. One row.';

COMMENT ON COLUMN rowlock.pseudonym_key.is_only IS 'True: there is only one row.';

COMMENT ON COLUMN rowlock.pseudonym_key.key IS '32 bytes, 244 of their bits random. Another key means other pseudonyms.';

CREATE VIEW rowlock.shown_orders (
    event_id bigint,
    order_id uuid,
    customer text,
    status order_status,
    section_nos integer[],
    seat_nos integer[],
    amount_minor bigint,
    created_at timestamp with time zone,
    expires_at timestamp with time zone,
    ended_at timestamp with time zone,
    customer_id text
);

COMMENT ON VIEW rowlock.shown_orders IS 'Orders as the views of schema admin show them: with customers'' ids for rowlock_admin, with pseudonyms for everybody else.';

COMMENT ON COLUMN rowlock.shown_orders.event_id IS 'The event.';

COMMENT ON COLUMN rowlock.shown_orders.order_id IS 'The order.';

COMMENT ON COLUMN rowlock.shown_orders.customer IS 'The buyer: the id for rowlock_admin, a pseudonym for others.';

COMMENT ON COLUMN rowlock.shown_orders.status IS 'As rowlock.orders has it, like all that follows.';

COMMENT ON COLUMN rowlock.shown_orders.section_nos IS 'The sections of its seats, in the order of seat_nos.';

COMMENT ON COLUMN rowlock.shown_orders.seat_nos IS 'The numbers of its seats.';

COMMENT ON COLUMN rowlock.shown_orders.amount_minor IS 'What its seats cost together, in minor units.';

COMMENT ON COLUMN rowlock.shown_orders.created_at IS 'When the claim succeeded.';

COMMENT ON COLUMN rowlock.shown_orders.expires_at IS 'The deadline for the payment.';

COMMENT ON COLUMN rowlock.shown_orders.ended_at IS 'When it ended; null while it is pending.';

COMMENT ON COLUMN rowlock.shown_orders.customer_id IS 'The buyer, for joins; a view that shows it gives the pseudonyms away.';

CREATE VIEW admin.dead_letters WITH (security_barrier='true') (
    event_id bigint,
    order_id uuid,
    customer text,
    order_status text,
    seats integer,
    attempts integer,
    last_error text,
    first_failed_at timestamp with time zone,
    last_failed_at timestamp with time zone
);

COMMENT ON VIEW admin.dead_letters IS 'Orders whose expiry was given up; their seats stay held. For rowlock_admin and rowlock_readonly, which sees pseudonyms for customers.';

COMMENT ON COLUMN admin.dead_letters.event_id IS 'The event.';

COMMENT ON COLUMN admin.dead_letters.order_id IS 'The order that could not be expired.';

COMMENT ON COLUMN admin.dead_letters.customer IS 'Its buyer: the id for rowlock_admin, a pseudonym for others.';

COMMENT ON COLUMN admin.dead_letters.order_status IS 'The order''s status; pending_payment while its seats are held.';

COMMENT ON COLUMN admin.dead_letters.seats IS 'How many seats it claimed.';

COMMENT ON COLUMN admin.dead_letters.attempts IS 'How many attempts failed.';

COMMENT ON COLUMN admin.dead_letters.last_error IS 'Error of the last attempt; for rowlock_admin only.';

COMMENT ON COLUMN admin.dead_letters.first_failed_at IS 'When the first attempt failed.';

COMMENT ON COLUMN admin.dead_letters.last_failed_at IS 'When the last attempt failed.';

CREATE VIEW admin.event_settings (
    event_id bigint,
    name text,
    venue text,
    status text,
    window_ms integer,
    seats_per_customer integer,
    unpaid_orders_max integer,
    unpaid_window_ms integer,
    cooldown_ms integer,
    currency text,
    on_sale_at timestamp with time zone,
    off_sale_at timestamp with time zone,
    starts_at timestamp with time zone,
    opened_at timestamp with time zone,
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);

COMMENT ON VIEW admin.event_settings IS 'Each event''s settings. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.event_settings.event_id IS 'The event.';

COMMENT ON COLUMN admin.event_settings.name IS 'What people call it.';

COMMENT ON COLUMN admin.event_settings.venue IS 'Where it takes place.';

COMMENT ON COLUMN admin.event_settings.status IS 'draft, open, paused or closed.';

COMMENT ON COLUMN admin.event_settings.window_ms IS 'How long a new order holds its seats, in milliseconds.';

COMMENT ON COLUMN admin.event_settings.seats_per_customer IS 'How many seats one customer may hold and own in total.';

COMMENT ON COLUMN admin.event_settings.unpaid_orders_max IS 'How many orders a customer may let end unpaid within unpaid_window_ms before the cooldown.';

COMMENT ON COLUMN admin.event_settings.unpaid_window_ms IS 'How long an order that ended unpaid counts, in milliseconds.';

COMMENT ON COLUMN admin.event_settings.cooldown_ms IS 'How long such a customer cannot claim, in milliseconds; 0: no cooldown.';

COMMENT ON COLUMN admin.event_settings.currency IS 'ISO 4217 code of its prices.';

COMMENT ON COLUMN admin.event_settings.on_sale_at IS 'No claim succeeds before this moment; null: as soon as it is open.';

COMMENT ON COLUMN admin.event_settings.off_sale_at IS 'No claim succeeds from this moment on; null: until it is closed.';

COMMENT ON COLUMN admin.event_settings.starts_at IS 'When the concert starts, if known.';

COMMENT ON COLUMN admin.event_settings.opened_at IS 'When it was first opened; null: never, and only admins see it.';

COMMENT ON COLUMN admin.event_settings.created_at IS 'When the event was created.';

COMMENT ON COLUMN admin.event_settings.updated_at IS 'When its settings last changed.';

CREATE TABLE rowlock.late_orders (
    event_id bigint NOT NULL,
    order_id uuid NOT NULL,
    released_as rowlock.order_status NOT NULL,
    released_at timestamp with time zone NOT NULL,
    CONSTRAINT late_orders_released_as_check CHECK ((released_as = ANY (ARRAY['expired'::rowlock.order_status, 'cancelled'::rowlock.order_status])))
);

COMMENT ON TABLE rowlock.late_orders IS 'How orders had lost their seats before late money came for them.';

COMMENT ON COLUMN rowlock.late_orders.event_id IS 'The event of the order.';

COMMENT ON COLUMN rowlock.late_orders.order_id IS 'The order.';

COMMENT ON COLUMN rowlock.late_orders.released_as IS 'What it was when the money came: expired or cancelled.';

COMMENT ON COLUMN rowlock.late_orders.released_at IS 'When its seats were back on sale.';

CREATE VIEW admin.hoarders WITH (security_barrier='true') (
    event_id bigint,
    customer text,
    unpaid_orders bigint,
    seats bigint,
    last_ended_at timestamp with time zone,
    cooldown_ends_at timestamp with time zone
);

COMMENT ON VIEW admin.hoarders IS 'Customers who let too many orders end unpaid. For rowlock_admin and rowlock_readonly, which sees pseudonyms for customers.';

COMMENT ON COLUMN admin.hoarders.event_id IS 'The event.';

COMMENT ON COLUMN admin.hoarders.customer IS 'The customer: the id for rowlock_admin, a pseudonym for others.';

COMMENT ON COLUMN admin.hoarders.unpaid_orders IS 'How many orders ended unpaid since the last that was paid for, within unpaid_window_ms before the last of them.';

COMMENT ON COLUMN admin.hoarders.seats IS 'How many seats these orders held together.';

COMMENT ON COLUMN admin.hoarders.last_ended_at IS 'When the last of them ended.';

COMMENT ON COLUMN admin.hoarders.cooldown_ends_at IS 'When the customer may claim again; in the past: may do so now.';

CREATE TABLE rowlock.deadlines (
    event_id bigint NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    first_order_id uuid NOT NULL,
    order_ids uuid[] NOT NULL,
    CONSTRAINT deadlines_order_ids_check CHECK ((cardinality(order_ids) >= 1))
)
WITH (toast_tuple_target='8160');
ALTER TABLE ONLY rowlock.deadlines ALTER COLUMN order_ids SET STORAGE EXTERNAL;

COMMENT ON TABLE rowlock.deadlines IS 'Orders by deadline: every pending order is listed, with one row for all orders claimed together.';

COMMENT ON COLUMN rowlock.deadlines.event_id IS 'The event of the orders.';

COMMENT ON COLUMN rowlock.deadlines.expires_at IS 'Their deadline.';

COMMENT ON COLUMN rowlock.deadlines.first_order_id IS 'The smallest of their ids when they were claimed; it tells apart deadlines at the same time.';

COMMENT ON COLUMN rowlock.deadlines.order_ids IS 'The orders; those that have ended may be missing.';

CREATE TABLE rowlock.released_seats (
    event_id bigint NOT NULL,
    order_id uuid NOT NULL,
    section_no integer NOT NULL,
    seat_no integer NOT NULL,
    released_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE rowlock.released_seats IS 'Seats that orders gave back while they were pending.';

COMMENT ON COLUMN rowlock.released_seats.event_id IS 'The event of the order.';

COMMENT ON COLUMN rowlock.released_seats.order_id IS 'The order.';

COMMENT ON COLUMN rowlock.released_seats.section_no IS 'The section of the seat.';

COMMENT ON COLUMN rowlock.released_seats.seat_no IS 'The number of the seat.';

COMMENT ON COLUMN rowlock.released_seats.released_at IS 'When it was back on sale.';

CREATE TABLE rowlock.seats (
    event_id bigint NOT NULL,
    section_no integer NOT NULL,
    seat_no integer NOT NULL,
    status rowlock.seat_status DEFAULT 'available'::rowlock.seat_status NOT NULL,
    order_id uuid,
    filler bytea DEFAULT decode(repeat('00'::text, 87), 'hex'::text),
    CONSTRAINT seats_check CHECK (((status = ANY (ARRAY['held'::rowlock.seat_status, 'sold'::rowlock.seat_status])) = (order_id IS NOT NULL)))
)
WITH (fillfactor='66');
ALTER TABLE ONLY rowlock.seats ALTER COLUMN filler SET STORAGE PLAIN;

COMMENT ON TABLE rowlock.seats IS 'One row per seat, naming at most one order: the first of two safeguards against selling it twice.';

COMMENT ON COLUMN rowlock.seats.event_id IS 'The event it belongs to.';

COMMENT ON COLUMN rowlock.seats.section_no IS 'The section it belongs to.';

COMMENT ON COLUMN rowlock.seats.seat_no IS 'Its number within the section, from 1.';

COMMENT ON COLUMN rowlock.seats.status IS 'available, held, sold or blocked.';

COMMENT ON COLUMN rowlock.seats.order_id IS 'The order that holds or owns it; null if there is none.';

COMMENT ON COLUMN rowlock.seats.filler IS 'Takes up room until the seat''s first change, then null.';

CREATE TABLE rowlock.tickets (
    event_id bigint NOT NULL,
    section_no integer NOT NULL,
    seat_no integer NOT NULL,
    order_id uuid NOT NULL,
    issued_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE rowlock.tickets IS 'One ticket per sold seat, by primary key: the second safeguard against selling a seat twice.';

COMMENT ON COLUMN rowlock.tickets.event_id IS 'The event it admits to.';

COMMENT ON COLUMN rowlock.tickets.section_no IS 'The section of its seat.';

COMMENT ON COLUMN rowlock.tickets.seat_no IS 'The number of its seat.';

COMMENT ON COLUMN rowlock.tickets.order_id IS 'The paid order it belongs to.';

COMMENT ON COLUMN rowlock.tickets.issued_at IS 'When the order was paid.';

CREATE VIEW admin.invariant_violations (
    invariant text,
    event_id bigint,
    order_id uuid,
    section_no integer,
    seat_no integer,
    detail text
);

COMMENT ON VIEW admin.invariant_violations IS 'What must never happen, one row per violation; none if all is well. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.invariant_violations.invariant IS 'Which rule is broken.';

COMMENT ON COLUMN admin.invariant_violations.event_id IS 'The event in which it is broken.';

COMMENT ON COLUMN admin.invariant_violations.order_id IS 'The order concerned, if there is one.';

COMMENT ON COLUMN admin.invariant_violations.section_no IS 'The section concerned, if there is one.';

COMMENT ON COLUMN admin.invariant_violations.seat_no IS 'The seat''s number within the section, if a seat is concerned.';

COMMENT ON COLUMN admin.invariant_violations.detail IS 'What was found.';

CREATE VIEW admin.lock_waits (
    waiting_pid integer,
    waiting_login text,
    waiting_application text,
    waiting_ms bigint,
    waits_for text,
    mode text,
    blocking_pids integer[],
    blocking_logins text[]
);

COMMENT ON VIEW admin.lock_waits IS 'Who waits for which lock, and behind whom. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.lock_waits.waiting_pid IS 'Process id of the session that waits.';

COMMENT ON COLUMN admin.lock_waits.waiting_login IS 'Its login.';

COMMENT ON COLUMN admin.lock_waits.waiting_application IS 'Its application_name.';

COMMENT ON COLUMN admin.lock_waits.waiting_ms IS 'How long it has waited, in milliseconds.';

COMMENT ON COLUMN admin.lock_waits.waits_for IS 'What it waits for.';

COMMENT ON COLUMN admin.lock_waits.mode IS 'The lock mode it wants.';

COMMENT ON COLUMN admin.lock_waits.blocking_pids IS 'Process ids of the sessions in the way.';

COMMENT ON COLUMN admin.lock_waits.blocking_logins IS 'Their logins.';

CREATE VIEW admin.money (
    event_id bigint,
    provider text,
    currency text,
    payments bigint,
    paid_minor bigint,
    refund_due_minor bigint,
    refunded_minor bigint,
    failed_payments bigint,
    reversed_minor bigint
);

COMMENT ON VIEW admin.money IS 'Money by gateway: what bought seats, what is owed back, what was refunded or reversed. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.money.event_id IS 'The event.';

COMMENT ON COLUMN admin.money.provider IS 'The gateway''s name.';

COMMENT ON COLUMN admin.money.currency IS 'ISO 4217 code of the money received, whether or not it is the event''s.';

COMMENT ON COLUMN admin.money.payments IS 'Payments that succeeded.';

COMMENT ON COLUMN admin.money.paid_minor IS 'What bought seats and was not reversed, in minor units.';

COMMENT ON COLUMN admin.money.refund_due_minor IS 'What admin.refunds_due lists as owed back, in minor units.';

COMMENT ON COLUMN admin.money.refunded_minor IS 'What was refunded, in minor units.';

COMMENT ON COLUMN admin.money.failed_payments IS 'Payments that the gateway reported as failed; they moved no money.';

COMMENT ON COLUMN admin.money.reversed_minor IS 'What was reversed: charge-backs and bounced transfers, in minor units.';

CREATE VIEW admin.orders WITH (security_barrier='true') (
    event_id bigint,
    order_id uuid,
    customer text,
    status text,
    seats text,
    amount_minor bigint,
    created_at timestamp with time zone,
    expires_at timestamp with time zone,
    ended_at timestamp with time zone
);

COMMENT ON VIEW admin.orders IS 'Every order. For rowlock_admin and rowlock_readonly, which sees pseudonyms for customers.';

COMMENT ON COLUMN admin.orders.event_id IS 'The event.';

COMMENT ON COLUMN admin.orders.order_id IS 'The order; its id begins with the time of the claim, so later orders sort after earlier ones.';

COMMENT ON COLUMN admin.orders.customer IS 'The buyer: the id for rowlock_admin, a pseudonym for others.';

COMMENT ON COLUMN admin.orders.status IS 'pending_payment, paid, expired, cancelled, refund_due or refunded.';

COMMENT ON COLUMN admin.orders.seats IS 'The seats it claimed, by section and number.';

COMMENT ON COLUMN admin.orders.amount_minor IS 'Their total price, in minor units of the event''s currency.';

COMMENT ON COLUMN admin.orders.created_at IS 'When the claim succeeded.';

COMMENT ON COLUMN admin.orders.expires_at IS 'The deadline for the payment.';

COMMENT ON COLUMN admin.orders.ended_at IS 'When it was paid, expired or cancelled, or late money for it was found to need a refund.';

CREATE VIEW admin.orders_by_state (
    event_id bigint,
    status text,
    age text,
    orders bigint,
    seats bigint,
    amount_minor bigint,
    oldest_at timestamp with time zone
);

COMMENT ON VIEW admin.orders_by_state IS 'Orders counted by status and age. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.orders_by_state.event_id IS 'The event.';

COMMENT ON COLUMN admin.orders_by_state.status IS 'pending_payment, paid, expired, cancelled, refund_due or refunded.';

COMMENT ON COLUMN admin.orders_by_state.age IS 'How long ago they were made.';

COMMENT ON COLUMN admin.orders_by_state.orders IS 'How many there are.';

COMMENT ON COLUMN admin.orders_by_state.seats IS 'How many seats they claimed.';

COMMENT ON COLUMN admin.orders_by_state.amount_minor IS 'Their total amount, in minor units of the event''s currency.';

COMMENT ON COLUMN admin.orders_by_state.oldest_at IS 'When the oldest of them was made.';

CREATE VIEW admin.overdue_orders WITH (security_barrier='true') (
    event_id bigint,
    order_id uuid,
    customer text,
    seats integer,
    expires_at timestamp with time zone,
    overdue_ms bigint,
    failed_attempts integer,
    retry_at timestamp with time zone,
    is_dead_letter boolean
);

COMMENT ON VIEW admin.overdue_orders IS 'Pending orders past their deadline. For rowlock_admin and rowlock_readonly, which sees pseudonyms for customers.';

COMMENT ON COLUMN admin.overdue_orders.event_id IS 'The event.';

COMMENT ON COLUMN admin.overdue_orders.order_id IS 'The order.';

COMMENT ON COLUMN admin.overdue_orders.customer IS 'Its buyer: the id for rowlock_admin, a pseudonym for others.';

COMMENT ON COLUMN admin.overdue_orders.seats IS 'How many seats it holds.';

COMMENT ON COLUMN admin.overdue_orders.expires_at IS 'Its deadline.';

COMMENT ON COLUMN admin.overdue_orders.overdue_ms IS 'How long ago that was, in milliseconds.';

COMMENT ON COLUMN admin.overdue_orders.failed_attempts IS 'How often its expiry failed.';

COMMENT ON COLUMN admin.overdue_orders.retry_at IS 'When the next attempt is due, after a failed one.';

COMMENT ON COLUMN admin.overdue_orders.is_dead_letter IS 'Whether it was given up and waits for admin.redrive_dead_letter or admin.release_order.';

CREATE VIEW admin.refunds_due WITH (security_barrier='true') (
    event_id bigint,
    provider text,
    provider_reference text,
    amount_minor bigint,
    currency text,
    received_at timestamp with time zone,
    order_id uuid,
    customer text,
    order_status text,
    reversed_at timestamp with time zone
);

COMMENT ON VIEW admin.refunds_due IS 'Payments that are owed back. For rowlock_admin and rowlock_readonly, which sees pseudonyms for customers.';

COMMENT ON COLUMN admin.refunds_due.event_id IS 'The event.';

COMMENT ON COLUMN admin.refunds_due.provider IS 'The gateway''s name.';

COMMENT ON COLUMN admin.refunds_due.provider_reference IS 'The gateway''s id for the payment.';

COMMENT ON COLUMN admin.refunds_due.amount_minor IS 'What is owed, in minor units.';

COMMENT ON COLUMN admin.refunds_due.currency IS 'ISO 4217 code of the money.';

COMMENT ON COLUMN admin.refunds_due.received_at IS 'When the notice was settled.';

COMMENT ON COLUMN admin.refunds_due.order_id IS 'The order that the notice named.';

COMMENT ON COLUMN admin.refunds_due.customer IS 'Its buyer: the id for rowlock_admin, a pseudonym for others; null if there is no such order.';

COMMENT ON COLUMN admin.refunds_due.order_status IS 'Its status: refund_due if the money came too late, paid if this was paid in addition, any other if this was wrong and came in time; null if there is no such order.';

COMMENT ON COLUMN admin.refunds_due.reversed_at IS 'When the gateway reported that it failed after all: ask the gateway whether the money has gone back already; null: it did not.';

CREATE VIEW admin.reversals WITH (security_barrier='true') (
    event_id bigint,
    reversed_at timestamp with time zone,
    provider text,
    provider_reference text,
    amount_minor bigint,
    currency text,
    bought_seats boolean,
    received_at timestamp with time zone,
    refunded_at timestamp with time zone,
    order_id uuid,
    customer text,
    order_status text,
    seats text
);

COMMENT ON VIEW admin.reversals IS 'Payments that were reversed after they had succeeded. For rowlock_admin and rowlock_readonly, which sees pseudonyms for customers.';

COMMENT ON COLUMN admin.reversals.event_id IS 'The event.';

COMMENT ON COLUMN admin.reversals.reversed_at IS 'When the notice of the reversal was settled.';

COMMENT ON COLUMN admin.reversals.provider IS 'The gateway''s name.';

COMMENT ON COLUMN admin.reversals.provider_reference IS 'The gateway''s id for the payment.';

COMMENT ON COLUMN admin.reversals.amount_minor IS 'What was reversed, in minor units.';

COMMENT ON COLUMN admin.reversals.currency IS 'ISO 4217 code of the money.';

COMMENT ON COLUMN admin.reversals.bought_seats IS 'Whether it had bought the seats: their tickets are not paid for any more.';

COMMENT ON COLUMN admin.reversals.received_at IS 'When the notice of its success was settled.';

COMMENT ON COLUMN admin.reversals.refunded_at IS 'When it was marked as refunded, if it was: before the reversal, the money may have gone back twice; after it, somebody has looked.';

COMMENT ON COLUMN admin.reversals.order_id IS 'The order that the notices named.';

COMMENT ON COLUMN admin.reversals.customer IS 'Its buyer: the id for rowlock_admin, a pseudonym for others; null if there is no such order.';

COMMENT ON COLUMN admin.reversals.order_status IS 'Its status; null if there is no such order.';

COMMENT ON COLUMN admin.reversals.seats IS 'The seats it claimed, by section and number; null if there is no such order.';

CREATE VIEW admin.sales_by_minute (
    event_id bigint,
    minute timestamp with time zone,
    orders bigint,
    seats bigint,
    revenue_minor bigint,
    seats_so_far bigint,
    revenue_so_far_minor bigint
);

COMMENT ON VIEW admin.sales_by_minute IS 'What was sold, minute by minute. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.sales_by_minute.event_id IS 'The event.';

COMMENT ON COLUMN admin.sales_by_minute.minute IS 'The minute in which the orders were paid.';

COMMENT ON COLUMN admin.sales_by_minute.orders IS 'Orders paid in it.';

COMMENT ON COLUMN admin.sales_by_minute.seats IS 'Seats sold in it.';

COMMENT ON COLUMN admin.sales_by_minute.revenue_minor IS 'Total price of those seats, in minor units of the event''s currency.';

COMMENT ON COLUMN admin.sales_by_minute.seats_so_far IS 'Seats sold by the end of the minute.';

COMMENT ON COLUMN admin.sales_by_minute.revenue_so_far_minor IS 'Revenue by the end of the minute, in minor units.';

CREATE VIEW admin.sales_by_section (
    event_id bigint,
    section text,
    name text,
    price_minor bigint,
    currency text,
    capacity integer,
    available integer,
    held integer,
    sold integer,
    blocked integer,
    sold_percent numeric,
    revenue_minor bigint
);

COMMENT ON VIEW admin.sales_by_section IS 'Seats and revenue, section by section. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.sales_by_section.event_id IS 'The event.';

COMMENT ON COLUMN admin.sales_by_section.section IS 'The section''s code, for example A.';

COMMENT ON COLUMN admin.sales_by_section.name IS 'What people call it.';

COMMENT ON COLUMN admin.sales_by_section.price_minor IS 'Price of each of its seats in minor units.';

COMMENT ON COLUMN admin.sales_by_section.currency IS 'ISO 4217 code of price and revenue.';

COMMENT ON COLUMN admin.sales_by_section.capacity IS 'All its seats.';

COMMENT ON COLUMN admin.sales_by_section.available IS 'Seats on sale.';

COMMENT ON COLUMN admin.sales_by_section.held IS 'Seats held by pending orders.';

COMMENT ON COLUMN admin.sales_by_section.sold IS 'Seats sold.';

COMMENT ON COLUMN admin.sales_by_section.blocked IS 'Seats blocked by the box office.';

COMMENT ON COLUMN admin.sales_by_section.sold_percent IS 'Percentage of its seats that are sold.';

COMMENT ON COLUMN admin.sales_by_section.revenue_minor IS 'Total price of the sold seats, in minor units.';

CREATE TABLE rowlock.section_rows (
    event_id bigint NOT NULL,
    section_no integer NOT NULL,
    row_no integer NOT NULL,
    label text NOT NULL,
    first_seat integer NOT NULL,
    last_seat integer NOT NULL,
    CONSTRAINT section_rows_check CHECK ((last_seat >= first_seat)),
    CONSTRAINT section_rows_first_seat_check CHECK ((first_seat >= 1)),
    CONSTRAINT section_rows_label_check CHECK (((char_length(label) >= 1) AND (char_length(label) <= 20))),
    CONSTRAINT section_rows_row_no_check CHECK ((row_no >= 1))
);

COMMENT ON TABLE rowlock.section_rows IS 'The rows of a section, each a range of its seat numbers. Read once, never changed.';

COMMENT ON COLUMN rowlock.section_rows.event_id IS 'The event it belongs to.';

COMMENT ON COLUMN rowlock.section_rows.section_no IS 'The section it belongs to.';

COMMENT ON COLUMN rowlock.section_rows.row_no IS 'From 1, front to back.';

COMMENT ON COLUMN rowlock.section_rows.label IS 'The label on the row, for example 12 or AA.';

COMMENT ON COLUMN rowlock.section_rows.first_seat IS 'Number of its first seat within the section.';

COMMENT ON COLUMN rowlock.section_rows.last_seat IS 'Number of its last seat within the section.';

CREATE VIEW admin.seat_map (
    event_id bigint,
    section text,
    row_label text,
    first_seat integer,
    last_seat integer,
    seats text
);

COMMENT ON VIEW admin.seat_map IS 'Every seat, one line per row of seats. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.seat_map.event_id IS 'The event.';

COMMENT ON COLUMN admin.seat_map.section IS 'The section''s code.';

COMMENT ON COLUMN admin.seat_map.row_label IS 'The label on the row.';

COMMENT ON COLUMN admin.seat_map.first_seat IS 'Number of its first seat within the section.';

COMMENT ON COLUMN admin.seat_map.last_seat IS 'Number of its last seat within the section.';

COMMENT ON COLUMN admin.seat_map.seats IS 'One letter per seat: available, held, sold, blocked.';

CREATE VIEW admin.seats_by_event (
    event_id bigint,
    name text,
    status text,
    currency text,
    capacity bigint,
    available bigint,
    held bigint,
    sold bigint,
    blocked bigint,
    sold_percent numeric,
    revenue_minor bigint
);

COMMENT ON VIEW admin.seats_by_event IS 'Each event''s seats by status. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.seats_by_event.event_id IS 'The event.';

COMMENT ON COLUMN admin.seats_by_event.name IS 'What people call it.';

COMMENT ON COLUMN admin.seats_by_event.status IS 'draft, open, paused or closed.';

COMMENT ON COLUMN admin.seats_by_event.currency IS 'ISO 4217 code of the revenue.';

COMMENT ON COLUMN admin.seats_by_event.capacity IS 'All its seats.';

COMMENT ON COLUMN admin.seats_by_event.available IS 'Seats on sale.';

COMMENT ON COLUMN admin.seats_by_event.held IS 'Seats held by pending orders.';

COMMENT ON COLUMN admin.seats_by_event.sold IS 'Seats sold.';

COMMENT ON COLUMN admin.seats_by_event.blocked IS 'Seats blocked by the box office.';

COMMENT ON COLUMN admin.seats_by_event.sold_percent IS 'Percentage of all seats that are sold.';

COMMENT ON COLUMN admin.seats_by_event.revenue_minor IS 'Total price of the sold seats, in minor units.';

CREATE VIEW admin.table_health (
    table_name text,
    live_rows bigint,
    dead_rows bigint,
    table_bytes bigint,
    index_bytes bigint,
    last_vacuumed_at timestamp with time zone,
    last_analyzed_at timestamp with time zone
);

COMMENT ON VIEW admin.table_health IS 'Size and upkeep of each table. For rowlock_admin and rowlock_readonly.';

COMMENT ON COLUMN admin.table_health.table_name IS 'The table, in schema rowlock.';

COMMENT ON COLUMN admin.table_health.live_rows IS 'How many rows it has, roughly.';

COMMENT ON COLUMN admin.table_health.dead_rows IS 'How many old versions of rows await vacuum, roughly.';

COMMENT ON COLUMN admin.table_health.table_bytes IS 'Its size without indexes.';

COMMENT ON COLUMN admin.table_health.index_bytes IS 'The size of its indexes.';

COMMENT ON COLUMN admin.table_health.last_vacuumed_at IS 'When it was last vacuumed.';

COMMENT ON COLUMN admin.table_health.last_analyzed_at IS 'When its statistics were last taken.';

ALTER TABLE rowlock.admin_actions ALTER COLUMN action_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowlock.admin_actions_action_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE rowlock.api_keys ALTER COLUMN api_key_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowlock.api_keys_api_key_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rowlock.event_keys (
    api_key_id bigint NOT NULL,
    idempotency_key text NOT NULL COLLATE pg_catalog."C",
    fingerprint bytea NOT NULL,
    event_id bigint,
    CONSTRAINT event_keys_idempotency_key_check CHECK (((char_length(idempotency_key) >= 1) AND (char_length(idempotency_key) <= 200)))
);

COMMENT ON TABLE rowlock.event_keys IS 'The idempotency keys under which events were created. They are kept for good.';

COMMENT ON COLUMN rowlock.event_keys.api_key_id IS 'The API key of the client.';

COMMENT ON COLUMN rowlock.event_keys.idempotency_key IS 'What the client sent to make a retry harmless; unique for an API key.';

COMMENT ON COLUMN rowlock.event_keys.fingerprint IS 'SHA-256 of the request that the key came with: the same key with another body is refused.';

COMMENT ON COLUMN rowlock.event_keys.event_id IS 'The event created, which may have been deleted since; null only within the transaction that creates it.';

ALTER TABLE rowlock.events ALTER COLUMN event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowlock.events_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rowlock.identity (
    is_only boolean DEFAULT true NOT NULL,
    database_id uuid DEFAULT gen_random_uuid() NOT NULL,
    lock_secret uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT identity_is_only_check CHECK (is_only)
);

COMMENT ON TABLE rowlock.identity IS 'What no other database has. One row.';

COMMENT ON COLUMN rowlock.identity.is_only IS 'True: there is only one row.';

COMMENT ON COLUMN rowlock.identity.database_id IS 'Distinguishes what servers of this database keep in Redis.';

COMMENT ON COLUMN rowlock.identity.lock_secret IS 'The secret in the keys of advisory locks. Nobody is granted the right to read it.';

CREATE TABLE rowlock.probes (
    probe_id uuid NOT NULL
);

COMMENT ON TABLE rowlock.probes IS 'Always empty: probe_claims tries to write a row, and undoes it.';

COMMENT ON COLUMN rowlock.probes.probe_id IS 'Any.';

ALTER TABLE ONLY rowlock.admin_actions
    ADD CONSTRAINT admin_actions_pkey PRIMARY KEY (action_id);

ALTER TABLE ONLY rowlock.api_keys
    ADD CONSTRAINT api_keys_hash_key UNIQUE (hash);

ALTER TABLE ONLY rowlock.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (api_key_id);

ALTER TABLE ONLY rowlock.applied_files
    ADD CONSTRAINT applied_files_pkey PRIMARY KEY (path);

ALTER TABLE ONLY rowlock.deadlines
    ADD CONSTRAINT deadlines_pkey PRIMARY KEY (expires_at, event_id, first_order_id);

ALTER TABLE ONLY rowlock.event_keys
    ADD CONSTRAINT event_keys_pkey PRIMARY KEY (api_key_id, idempotency_key);

ALTER TABLE ONLY rowlock.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY rowlock.expiry_failures
    ADD CONSTRAINT expiry_failures_pkey PRIMARY KEY (event_id, order_id);

ALTER TABLE ONLY rowlock.identity
    ADD CONSTRAINT identity_pkey PRIMARY KEY (is_only);

ALTER TABLE ONLY rowlock.late_orders
    ADD CONSTRAINT late_orders_pkey PRIMARY KEY (event_id, order_id);

ALTER TABLE ONLY rowlock.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (event_id, order_id);

ALTER TABLE ONLY rowlock.payments
    ADD CONSTRAINT payments_pkey PRIMARY KEY (event_id, provider, provider_reference);

ALTER TABLE ONLY rowlock.probes
    ADD CONSTRAINT probes_pkey PRIMARY KEY (probe_id);

ALTER TABLE ONLY rowlock.pseudonym_key
    ADD CONSTRAINT pseudonym_key_pkey PRIMARY KEY (is_only);

ALTER TABLE ONLY rowlock.released_seats
    ADD CONSTRAINT released_seats_pkey PRIMARY KEY (event_id, order_id, section_no, seat_no);

ALTER TABLE ONLY rowlock.seats
    ADD CONSTRAINT seats_pkey PRIMARY KEY (event_id, section_no, seat_no);

ALTER TABLE ONLY rowlock.section_rows
    ADD CONSTRAINT section_rows_event_id_section_no_first_seat_key UNIQUE (event_id, section_no, first_seat);

ALTER TABLE ONLY rowlock.section_rows
    ADD CONSTRAINT section_rows_pkey PRIMARY KEY (event_id, section_no, row_no);

ALTER TABLE ONLY rowlock.sections
    ADD CONSTRAINT sections_event_id_code_key UNIQUE (event_id, code);

ALTER TABLE ONLY rowlock.sections
    ADD CONSTRAINT sections_pkey PRIMARY KEY (event_id, section_no);

ALTER TABLE ONLY rowlock.tickets
    ADD CONSTRAINT tickets_pkey PRIMARY KEY (event_id, section_no, seat_no);

ALTER TABLE ONLY rowlock.versions
    ADD CONSTRAINT versions_pkey PRIMARY KEY (version);

CREATE INDEX admin_actions_by_event ON rowlock.admin_actions USING btree (event_id, action_id);

CREATE INDEX admin_actions_by_order ON rowlock.admin_actions USING btree (order_id) WHERE (order_id IS NOT NULL);

CREATE INDEX events_by_start ON rowlock.events USING btree (COALESCE(starts_at, 'infinity'::timestamp with time zone), event_id);

CREATE INDEX events_by_status ON rowlock.events USING btree (status, COALESCE(starts_at, 'infinity'::timestamp with time zone), event_id);

CREATE INDEX events_opened_by_start ON rowlock.events USING btree (COALESCE(starts_at, 'infinity'::timestamp with time zone), event_id) WHERE (opened_at IS NOT NULL);

CREATE INDEX events_opened_by_status ON rowlock.events USING btree (status, COALESCE(starts_at, 'infinity'::timestamp with time zone), event_id) WHERE (opened_at IS NOT NULL);

CREATE UNIQUE INDEX orders_ended ON rowlock.orders USING btree (event_id, customer_id, idempotency_key) WHERE (NOT is_live);

CREATE INDEX orders_ended_by_customer ON rowlock.orders USING btree (event_id, customer_id, ended_as, order_id) WHERE (NOT is_live);

CREATE UNIQUE INDEX orders_live ON rowlock.orders USING btree (event_id, customer_id, idempotency_key) WHERE is_live;

CREATE INDEX payments_refund_due ON rowlock.payments USING btree (event_id, received_at) WHERE ((outcome = 'refund_due'::rowlock.payment_outcome) AND (refunded_at IS NULL));

CREATE INDEX payments_without_seats ON rowlock.payments USING btree (event_id, order_id) WHERE (outcome = ANY (ARRAY['refund_due'::rowlock.payment_outcome, 'failed_recorded'::rowlock.payment_outcome]));

CREATE OR REPLACE VIEW admin.seats_by_event AS
 SELECT e.event_id,
    e.name,
    (e.status)::text AS status,
    e.currency,
    sum(s.capacity) AS capacity,
    sum(s.available) AS available,
    sum(s.held) AS held,
    sum(s.sold) AS sold,
    sum(s.blocked) AS blocked,
    round(((100.0 * (sum(s.sold))::numeric) / (sum(s.capacity))::numeric), 1) AS sold_percent,
    (sum((s.sold * s.price_minor)))::bigint AS revenue_minor
   FROM (rowlock.events e
     JOIN rowlock.sections s ON ((s.event_id = e.event_id)))
  GROUP BY e.event_id
  ORDER BY e.event_id;

ALTER TABLE ONLY rowlock.section_rows
    ADD CONSTRAINT section_rows_event_id_section_no_fkey FOREIGN KEY (event_id, section_no) REFERENCES rowlock.sections(event_id, section_no);

ALTER TABLE ONLY rowlock.sections
    ADD CONSTRAINT sections_event_id_fkey FOREIGN KEY (event_id) REFERENCES rowlock.events(event_id);

GRANT USAGE ON SCHEMA admin TO rowlock_admin;
GRANT USAGE ON SCHEMA admin TO rowlock_readonly;

GRANT USAGE ON SCHEMA rowlock TO rowlock_app;
GRANT USAGE ON SCHEMA rowlock TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.block_seats(p_event_id bigint, p_seats text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.block_seats(p_event_id bigint, p_seats text, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.change_event(p_event_id bigint, p_change jsonb, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.change_event(p_event_id bigint, p_change jsonb, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.change_window(p_event_id bigint, p_window_ms integer, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.change_window(p_event_id bigint, p_window_ms integer, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.close_event(p_event_id bigint, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.close_event(p_event_id bigint, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.create_api_key(p_name text, p_hash bytea, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.create_api_key(p_name text, p_hash bytea, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.create_event(p_event jsonb, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.create_event(p_event jsonb, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.csv_text(p_text text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.csv_text(p_text text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.delete_event(p_event_id bigint, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.delete_event(p_event_id bigint, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.mark_refunded(p_event_id bigint, p_provider text, p_provider_reference text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.mark_refunded(p_event_id bigint, p_provider text, p_provider_reference text, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.open_event(p_event_id bigint, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.open_event(p_event_id bigint, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.order_timeline(p_order_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.order_timeline(p_order_id uuid) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.pause_event(p_event_id bigint, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.pause_event(p_event_id bigint, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.release_order(p_event_id bigint, p_order_id uuid, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.release_order(p_event_id bigint, p_order_id uuid, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.revoke_api_key(p_api_key_id bigint, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.revoke_api_key(p_api_key_id bigint, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.sale_export(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.sale_export(p_event_id bigint) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.seat_history(p_event_id bigint, p_section text, p_seat_no integer) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.seat_history(p_event_id bigint, p_section text, p_seat_no integer) TO rowlock_admin;

REVOKE ALL ON FUNCTION admin.unblock_seats(p_event_id bigint, p_seats text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION admin.unblock_seats(p_event_id bigint, p_seats text, p_reason text) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock._admit_searches(p_limit integer, p_outcomes text[], p_answers uuid[], p_order_ids uuid[], p_fingerprints bytea[], p_customer_nos integer[], p_key_nos integer[], p_live_seats integer[], p_asked_section_nos integer[], p_quantities integer[], p_section_nos integer[], p_available integer[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_admitted boolean[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._assert_rows(p_actual bigint, p_expected bigint, p_what text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._available_seats(p_event_id bigint, p_section_no integer, p_from_seat integer, p_limit integer, p_lost integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._begin_claims(p_event_id bigint, p_customer_ids text[], p_idempotency_keys text[], OUT o_limit integer, OUT o_window_ms integer, OUT o_unpaid_orders_max integer, OUT o_unpaid_window_ms integer, OUT o_cooldown_ms integer, OUT o_is_on_sale boolean, OUT o_are_distinct boolean, OUT o_customer_nos integer[], OUT o_key_nos integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._block_listed(p_event_id bigint, p_section_no integer, p_first_seats integer[], p_last_seats integer[], p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._block_selected(p_event_id bigint, p_seats text, p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._change_blocked(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._change_event(p_event_id bigint, p_change jsonb, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._check_claims(p_event_id bigint, p_limit integer, p_unpaid_orders_max integer, p_unpaid_window_ms integer, p_cooldown_ms integer, p_is_on_sale boolean, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_key_nos integer[], p_quantities integer[], p_faults text[], OUT o_live_seats integer[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_retry_after_ms integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._check_limit(p_limit integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._check_notices(p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[], p_message_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._check_reason(p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._claim_answers(p_event_id bigint, p_outcomes text[], p_order_ids uuid[], p_answers uuid[], p_firsts integer[], p_quantities integer[], p_amounts bigint[], p_section_nos integer[], p_seat_nos integer[], p_blamed boolean[], p_retry_after_ms integer[], p_created_at timestamp with time zone, p_expires_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._clear_deadlines(p_before timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._close_refund(p_event_id bigint, p_order_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._cooldown_left_ms(p_event_id bigint, p_customer_id text, p_last_paid_at timestamp with time zone, p_unpaid_orders_max integer, p_unpaid_window_ms integer, p_cooldown_ms integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._count_claimed(p_event_id bigint, p_amounts bigint[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._create_api_key(p_name text, p_hash bytea, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._create_event(p_event jsonb, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._create_rows(p_event_id bigint, p_section_no integer, p_rows jsonb, p_path text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._create_section(p_event_id bigint, p_section_no integer, p_section jsonb, p_path text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._csv_text(p_text text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._decide_seat_claims(p_limit integer, p_outcomes text[], p_answers uuid[], p_order_ids uuid[], p_fingerprints bytea[], p_customer_nos integer[], p_key_nos integer[], p_live_seats integer[], p_firsts integer[], p_quantities integer[], p_missing boolean[], p_first_nos integer[], p_seat_rows tid[], OUT o_outcomes text[], OUT o_answers uuid[], OUT o_blamed boolean[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._delete_event(p_event_id bigint, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._end_orders(p_order_rows tid[], p_from rowlock.order_status[], p_status rowlock.order_status, p_at timestamp with time zone, OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_order_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._event_fingerprint(p_event jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._event_not_found(p_event_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._exceeds_limit(p_live_seats integer, p_wanted integer, p_limit integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._find_nearest(p_event_id bigint, p_section_no integer, p_quantity integer, p_count integer, p_taken integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._find_seats(p_event_id bigint, p_section_no integer, p_request_nos integer[], p_quantities integer[], p_hints integer[], p_lost integer[], OUT o_request_nos integer[], OUT o_seat_nos integer[], OUT o_from_seat integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._find_together(p_event_id bigint, p_section_no integer, p_quantities integer[], p_from_seat integer, p_limit integer, p_lost integer[], OUT o_starts integer[], OUT o_from_seat integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._format_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._invalid_request(p_path text, p_problem text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._is_currency(p_code text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._is_on_sale(p_status rowlock.event_status, p_on_sale_at timestamp with time zone, p_off_sale_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._json_integer(p_value jsonb, p_path text, p_min bigint, p_max bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._json_object(p_value jsonb, p_path text, p_known text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._json_text(p_value jsonb, p_path text, p_min integer, p_max integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._json_time(p_value jsonb, p_path text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._kept_seats_objection(p_section_nos integer[], p_seat_nos integer[], p_kept_section_nos integer[], p_kept_seat_nos integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._live_orders(p_event_id bigint, p_customer_id text, p_idempotency_key text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._lock_available_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_is_wanted boolean[], OUT o_seat_rows tid[], OUT o_first_nos integer[], OUT o_are_all boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._lock_order(p_event_id bigint, p_order_id uuid, p_customer_id text, OUT o_row tid, OUT o_status rowlock.order_status, OUT o_section_nos integer[], OUT o_seat_nos integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._lock_sections(p_event_id bigint, p_section_nos integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._lock_settlement(p_event_id bigint, p_order_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._lock_unhindered(p_event_id bigint, p_order_rows tid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._log_action(p_function text, p_event_id bigint, p_order_id uuid, p_reason text, p_arguments jsonb, p_before jsonb, p_after jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._move_seat_counts(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[], p_from rowlock.seat_status, p_to rowlock.seat_status) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._next_status(p_event_id bigint, p_now rowlock.event_status, p_next text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._not_pending_objection(p_order_id uuid, p_status rowlock.order_status) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._order_answer(p_event_id bigint, p_order_id uuid, p_customer_id text, p_refusal text, p_objection text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._pay_orders(p_event_id bigint, p_order_rows tid[], p_from rowlock.seat_status, p_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._place_orders(p_event_id bigint, p_window_ms integer, p_outcomes text[], p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_firsts integer[], p_quantities integer[], p_amounts bigint[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], p_seat_rows tid[], p_won_seats integer, OUT o_created_at timestamp with time zone, OUT o_expires_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._read_settings(p_event rowlock.events, p_settings jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._read_wanted_seats(p_event_id bigint, p_requests integer, p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], OUT o_firsts integer[], OUT o_quantities integer[], OUT o_amounts bigint[], OUT o_faults text[], OUT o_missing boolean[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._reclaim_order(p_event_id bigint, p_order_row tid, p_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._record_payments(p_event_id bigint, p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[], p_message_ids text[], OUT o_payable_rows tid[], OUT o_one_by_one integer[], OUT o_fresh integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._redrive_dead_letter(p_event_id bigint, p_order_id uuid, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._release_orders(p_event_id bigint, p_order_rows tid[], p_status rowlock.order_status, p_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._release_seats(p_event_id bigint, p_order_row tid, p_kept_section_nos integer[], p_kept_seat_nos integer[], p_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._repeat_notice(p_recorded rowlock.payments, p_succeeded boolean, p_message_id text, p_at timestamp with time zone, OUT o_outcome text, OUT o_recorded text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._repeat_outcome(p_fingerprint bytea, p_first_fingerprint bytea) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._revoke_api_key(p_api_key_id bigint, p_function text, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._search_sections(p_event_id bigint, p_asked_section_nos integer[], p_quantities integer[], p_admitted boolean[], p_lost_section_nos integer[], p_lost_seat_nos integer[], OUT o_request_nos integer[], OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_seat_rows tid[], OUT o_hint_section_nos integer[], OUT o_hint_quantities integer[], OUT o_hint_from_seats integer[], OUT o_hint_releases bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._section_of(p_event_id bigint, p_section text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._section_statuses(p_event_id bigint, p_section_no integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._selected_seats(p_event_id bigint, p_seats text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._settle_payment(p_event_id bigint, p_order_id uuid, p_provider text, p_provider_reference text, p_amount_minor bigint, p_currency text, p_succeeded boolean, p_message_id text, p_fresh boolean, p_at timestamp with time zone, OUT o_outcome text, OUT o_recorded text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._spend_payment(p_event_id bigint, p_order_id uuid, p_amount_minor bigint, p_currency text, p_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._take_locks(p_class integer, p_event_id bigint, p_names text[], p_wait boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._text_objection(p_text text) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._wait_for_seats(p_event_id bigint, p_section_nos integer[], p_seat_nos integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._win_found(p_outcomes text[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[], p_seat_rows tid[], OUT o_outcomes text[], OUT o_request_nos integer[], OUT o_section_nos integer[], OUT o_seat_nos integer[], OUT o_seat_rows tid[], OUT o_lost_section_nos integer[], OUT o_lost_seat_nos integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock._write_search_hints(p_event_id bigint, p_section_nos integer[], p_quantities integer[], p_from_seats integer[], p_releases bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION rowlock.block_seats(p_event_id bigint, p_section_no integer, p_first_seats integer[], p_last_seats integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.block_seats(p_event_id bigint, p_section_no integer, p_first_seats integer[], p_last_seats integer[]) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.cancel_order(p_event_id bigint, p_order_id uuid, p_customer_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.cancel_order(p_event_id bigint, p_order_id uuid, p_customer_id text) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.change_event(p_event_id bigint, p_change jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.change_event(p_event_id bigint, p_change jsonb) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.claim_best_available(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_section_nos integer[], p_quantities integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.claim_best_available(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_section_nos integer[], p_quantities integer[]) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.claim_seats(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.claim_seats(p_event_id bigint, p_order_ids uuid[], p_customer_ids text[], p_idempotency_keys text[], p_fingerprints bytea[], p_request_nos integer[], p_section_nos integer[], p_seat_nos integer[]) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.claimed_orders(p_event_id bigint, p_order_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.claimed_orders(p_event_id bigint, p_order_ids uuid[]) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.claimed_together(p_event_id bigint, p_first_order_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.claimed_together(p_event_id bigint, p_first_order_ids uuid[]) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.create_event(p_event jsonb, p_api_key_id bigint, p_idempotency_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.create_event(p_event jsonb, p_api_key_id bigint, p_idempotency_key text) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.database_id() FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.database_id() TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.delete_event(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.delete_event(p_event_id bigint) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.event_availability(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.event_availability(p_event_id bigint) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.event_availability(p_event_id bigint) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.event_with_sections(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.event_with_sections(p_event_id bigint) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.event_with_sections(p_event_id bigint) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.expire_orders(p_event_id bigint, p_order_ids uuid[], p_passes_locks boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.expire_orders(p_event_id bigint, p_order_ids uuid[], p_passes_locks boolean) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.find_api_key(p_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.find_api_key(p_hash bytea) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.get_event(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.get_event(p_event_id bigint) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.get_event(p_event_id bigint) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.get_order(p_event_id bigint, p_order_id uuid, p_customer_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.get_order(p_event_id bigint, p_order_id uuid, p_customer_id text) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.get_order(p_event_id bigint, p_order_id uuid, p_customer_id text) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.list_dead_letters(p_event_id bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.list_dead_letters(p_event_id bigint, p_limit integer) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.list_dead_letters(p_event_id bigint, p_limit integer) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.list_events(p_after_event_id bigint, p_limit integer, p_with_drafts boolean, p_status text, p_starts_after timestamp with time zone, p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.list_events(p_after_event_id bigint, p_limit integer, p_with_drafts boolean, p_status text, p_starts_after timestamp with time zone, p_name text) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.list_events(p_after_event_id bigint, p_limit integer, p_with_drafts boolean, p_status text, p_starts_after timestamp with time zone, p_name text) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.list_orders(p_event_id bigint, p_customer_id text, p_status text, p_after_order_id uuid, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.list_orders(p_event_id bigint, p_customer_id text, p_status text, p_after_order_id uuid, p_limit integer) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.list_orders(p_event_id bigint, p_customer_id text, p_status text, p_after_order_id uuid, p_limit integer) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.migration_state() FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.migration_state() TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.migration_state() TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.note_api_key_use(p_api_key_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.note_api_key_use(p_api_key_id bigint) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.overdue_orders(p_grace_ms integer, p_limit integer, p_passed integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.overdue_orders(p_grace_ms integer, p_limit integer, p_passed integer) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.probe_claims() FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.probe_claims() TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.prune_unpaid_orders(p_from_event_id bigint, p_kept_days integer, p_limit integer, OUT o_event_id bigint, OUT o_deleted integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.prune_unpaid_orders(p_from_event_id bigint, p_kept_days integer, p_limit integer, OUT o_event_id bigint, OUT o_deleted integer) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.record_expiry_failure(p_event_id bigint, p_order_id uuid, p_error text, p_attempts_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.record_expiry_failure(p_event_id bigint, p_order_id uuid, p_error text, p_attempts_max integer) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.redrive_dead_letter(p_event_id bigint, p_order_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.redrive_dead_letter(p_event_id bigint, p_order_id uuid) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.refunds_due(p_event_id bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.refunds_due(p_event_id bigint, p_limit integer) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.refunds_due(p_event_id bigint, p_limit integer) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.release_seats(p_event_id bigint, p_order_id uuid, p_customer_id text, p_kept_section_nos integer[], p_kept_seat_nos integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.release_seats(p_event_id bigint, p_order_id uuid, p_customer_id text, p_kept_section_nos integer[], p_kept_seat_nos integer[]) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.sales_report(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.sales_report(p_event_id bigint) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.sales_report(p_event_id bigint) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.section_seats(p_event_id bigint, p_section_no integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.section_seats(p_event_id bigint, p_section_no integer) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.section_seats(p_event_id bigint, p_section_no integer) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.section_summary(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.section_summary(p_event_id bigint) TO rowlock_app;
GRANT ALL ON FUNCTION rowlock.section_summary(p_event_id bigint) TO rowlock_admin;

REVOKE ALL ON FUNCTION rowlock.settle_payments(p_event_id bigint, p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[], p_message_ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.settle_payments(p_event_id bigint, p_order_ids uuid[], p_providers text[], p_provider_references text[], p_amounts_minor bigint[], p_currencies text[], p_succeeded boolean[], p_message_ids text[]) TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.try_lead_sweep() FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.try_lead_sweep() TO rowlock_app;

REVOKE ALL ON FUNCTION rowlock.unblock_seats(p_event_id bigint, p_section_no integer, p_first_seats integer[], p_last_seats integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowlock.unblock_seats(p_event_id bigint, p_section_no integer, p_first_seats integer[], p_last_seats integer[]) TO rowlock_app;

GRANT SELECT ON TABLE admin.action_log TO rowlock_admin;
GRANT SELECT ON TABLE admin.action_log TO rowlock_readonly;

GRANT SELECT ON TABLE admin.api_keys TO rowlock_admin;
GRANT SELECT ON TABLE admin.api_keys TO rowlock_readonly;

GRANT SELECT ON TABLE admin.database_settings TO rowlock_admin;
GRANT SELECT ON TABLE admin.database_settings TO rowlock_readonly;

GRANT SELECT ON TABLE admin.dead_letters TO rowlock_admin;
GRANT SELECT ON TABLE admin.dead_letters TO rowlock_readonly;

GRANT SELECT ON TABLE admin.event_settings TO rowlock_admin;
GRANT SELECT ON TABLE admin.event_settings TO rowlock_readonly;

GRANT SELECT ON TABLE admin.hoarders TO rowlock_admin;
GRANT SELECT ON TABLE admin.hoarders TO rowlock_readonly;

GRANT SELECT ON TABLE admin.invariant_violations TO rowlock_admin;
GRANT SELECT ON TABLE admin.invariant_violations TO rowlock_readonly;

GRANT SELECT ON TABLE admin.lock_waits TO rowlock_admin;
GRANT SELECT ON TABLE admin.lock_waits TO rowlock_readonly;

GRANT SELECT ON TABLE admin.money TO rowlock_admin;
GRANT SELECT ON TABLE admin.money TO rowlock_readonly;

GRANT SELECT ON TABLE admin.orders TO rowlock_admin;
GRANT SELECT ON TABLE admin.orders TO rowlock_readonly;

GRANT SELECT ON TABLE admin.orders_by_state TO rowlock_admin;
GRANT SELECT ON TABLE admin.orders_by_state TO rowlock_readonly;

GRANT SELECT ON TABLE admin.overdue_orders TO rowlock_admin;
GRANT SELECT ON TABLE admin.overdue_orders TO rowlock_readonly;

GRANT SELECT ON TABLE admin.refunds_due TO rowlock_admin;
GRANT SELECT ON TABLE admin.refunds_due TO rowlock_readonly;

GRANT SELECT ON TABLE admin.reversals TO rowlock_admin;
GRANT SELECT ON TABLE admin.reversals TO rowlock_readonly;

GRANT SELECT ON TABLE admin.sales_by_minute TO rowlock_admin;
GRANT SELECT ON TABLE admin.sales_by_minute TO rowlock_readonly;

GRANT SELECT ON TABLE admin.sales_by_section TO rowlock_admin;
GRANT SELECT ON TABLE admin.sales_by_section TO rowlock_readonly;

GRANT SELECT ON TABLE admin.seat_map TO rowlock_admin;
GRANT SELECT ON TABLE admin.seat_map TO rowlock_readonly;

GRANT SELECT ON TABLE admin.seats_by_event TO rowlock_admin;
GRANT SELECT ON TABLE admin.seats_by_event TO rowlock_readonly;

GRANT SELECT ON TABLE admin.table_health TO rowlock_admin;
GRANT SELECT ON TABLE admin.table_health TO rowlock_readonly;

ALTER DEFAULT PRIVILEGES FOR ROLE rowlock_owner REVOKE ALL ON FUNCTIONS  FROM PUBLIC;
