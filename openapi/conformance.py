"""Lets schemathesis call as customer, admin and gateway, and keeps it from what no schema can say."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import requests
import schemathesis
from schemathesis import AuthContext, Case, HookContext
from standardwebhooks import Webhook


@schemathesis.auth(cache_by_key=lambda case, context: case.operation.label)
class Credentials:
    """The headers of whoever may call an operation."""

    def get(self, case: Case[Any], context: AuthContext) -> frozenset[str]:
        """Names the security schemes that the document asks for."""
        schemes = case.operation.definition.raw.get("security", [])
        return frozenset(name for scheme in schemes for name in scheme)

    def set(self, case: Case[Any], data: frozenset[str], context: AuthContext) -> None:
        """Adds the headers."""
        if "CustomerToken" in data:
            case.headers["Authorization"] = f"Bearer {os.environ['ROWLOCK_TOKEN']}"
        if "AdminKey" in data:
            case.headers["X-Api-Key"] = os.environ["ROWLOCK_API_KEY"]
        if "GatewaySignature" in data:
            sign(case)


def sign(case: Case[Any]) -> None:
    """Signs a notice as it will be sent, now: a made-up moment is never the right one. Malformed headers stay as they are."""
    message_id, moment = case.headers.get("webhook-id"), case.headers.get("webhook-timestamp")
    signature = str(case.headers.get("webhook-signature") or "")
    if not message_id or not re.fullmatch("[0-9]{1,10}", str(moment or "")) or not signature.startswith("v1,"):
        return
    prepared = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
    body = prepared.body
    try:
        text = body.decode() if isinstance(body, bytes) else str(body or "")
    except UnicodeDecodeError:
        # The library signs texts alone.
        return
    now = datetime.now(UTC)
    case.headers["webhook-timestamp"] = str(int(now.timestamp()))
    case.headers["webhook-signature"] = Webhook(os.environ["ROWLOCK_WEBHOOK_SECRET"]).sign(str(message_id), now, text)


@schemathesis.hook
def filter_case(context: HookContext, case: Case[Any]) -> bool:
    """Leaves out what was made up, but cannot be good."""
    return is_possible(case)


@schemathesis.hook
def before_add_examples(context: HookContext, examples: list[Case[Any]]) -> None:
    """Leaves out what was put together from the examples of single fields, but cannot be good."""
    examples[:] = [case for case in examples if is_possible(case)]


def is_possible(case: Case[Any]) -> bool:
    """Whether the body keeps the rules that no schema can say; README.md lists them."""
    body = case.body
    if not has_possible_times(case.query or {}) or not is_possible_page(case):
        return False
    if not isinstance(body, Mapping):
        return True
    if not has_readable_texts(body):
        return False
    match case.operation.definition.raw["operationId"]:
        case "createEvent":
            return has_possible_times(body) and is_possible_sale(body) and is_possible_event(body)
        case "changeEvent":
            # One of the two alone is compared with what an earlier change made of the other.
            has_both_or_none = (body.get("on_sale_at") is None) == (body.get("off_sale_at") is None)
            return has_possible_times(body) and has_both_or_none and is_possible_sale(body)
        case "blockSeats" | "unblockSeats":
            return all(range_is_possible(item) for item in listed(body, "ranges"))
        case _:
            return True


def is_possible_page(case: Case[Any]) -> bool:
    """A page of events begins after one of the events that were made beforehand: 6 and 7."""
    after = (case.query or {}).get("after")
    is_number = isinstance(after, int) and after >= 1
    return case.operation.definition.raw["operationId"] != "listEvents" or not is_number or after in (6, 7)


def has_readable_texts(value: object) -> bool:
    """A letter, number, sign or symbol in every text: beyond U+FFFF the patterns take everything for visible."""
    if isinstance(value, Mapping):
        return all(map(has_readable_texts, value.values()))
    if isinstance(value, list):
        return all(map(has_readable_texts, value))
    return not isinstance(value, str) or value == "" or any(unicodedata.category(char)[0] in "LNPS" for char in value)


def has_possible_times(event: Mapping[str, Any]) -> bool:
    """Times from 1970 to 9999, whatever their offset, and no leap seconds."""
    keys = ("starts_at", "on_sale_at", "off_sale_at", "starts_after")
    times = [str(event[key]) for key in keys if event.get(key) is not None]
    years = [int(year[1]) for time in times if (year := re.match(r"(\d{4})-", time))]
    return all(1970 < year < 9999 for year in years) and not any(re.search(r"T\d\d:\d\d:60", time) for time in times)


def is_possible_sale(event: Mapping[str, Any]) -> bool:
    """A sale ends after it begins."""
    begin, end = event.get("on_sale_at"), event.get("off_sale_at")
    if begin is None or end is None:
        return True
    try:
        return datetime.fromisoformat(str(begin).upper()) < datetime.fromisoformat(str(end).upper())
    except (TypeError, ValueError):
        return False


def is_possible_event(event: Mapping[str, Any]) -> bool:
    """Distinct sections in one currency, each with seats of one form, a million seats at most."""
    sections = listed(event, "sections")
    codes = [str(section.get("section")) for section in sections]
    has_one_currency = all(section.get("currency", event.get("currency")) == event.get("currency") for section in sections)
    is_whole = len(set(codes)) == len(codes) and has_one_currency
    return is_whole and all(map(has_one_form, sections)) and sum(map(seats_of, sections)) <= 1_000_000


def has_one_form(section: Mapping[str, Any]) -> bool:
    """Either a number of seats, maybe with a row length that makes no more than 10,000 rows, or rows."""
    if "rows" in section:
        return "seats" not in section and "row_length" not in section
    seats, row_length = section.get("seats"), section.get("row_length")
    fits = not isinstance(seats, int) or not isinstance(row_length, int) or row_length < 1 or seats <= row_length * 10_000
    return "seats" in section and fits


def seats_of(section: Mapping[str, Any]) -> int:
    """How many seats a section has."""
    counts = [section.get("seats", 0), *(row.get("seats", 0) for row in listed(section, "rows"))]
    return sum(count for count in counts if isinstance(count, int))


def range_is_possible(item: Mapping[str, Any]) -> bool:
    """A range ends where it begins, or later."""
    first, last = item.get("from"), item.get("to")
    return not isinstance(first, int) or not isinstance(last, int) or first <= last


def listed(body: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The objects of a list, should there be one."""
    items = body.get(key)
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
