"""What both Python clients do with calls and answers, without a server: `make sdk-python` runs it."""

import asyncio
import inspect
import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from rowlock_client import AsyncRowlock, Rowlock, RowlockError, UnexpectedStatus, notice_bytes, sign_notice
from rowlock_client.models import BestAvailable, Claim, PaymentNotice, PaymentOutcome, PaymentStatus, ProblemCode, SeatStatus
from standardwebhooks import Webhook, WebhookVerificationError

KINDS = (Rowlock, AsyncRowlock)
URL = "http://rowlock.test"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CLAIM = Claim(best_available=BestAvailable(section="A", quantity=2))

DOCUMENT = json.loads((Path(__file__).parents[2] / "openapi.json").read_text(encoding="utf-8"))
ORDER = DOCUMENT["paths"]["/v1/events/{event_id}/orders/{order_id}"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
ORDER_ID = uuid.UUID(ORDER["order_id"])
NOTICE = PaymentNotice(
    event_id=7,
    order_id=ORDER_ID,
    provider="caf\u00e9",
    provider_reference="p1",
    amount_minor=100,
    currency="TWD",
    status=PaymentStatus.SUCCEEDED,
)

Handler = Callable[[httpx.Request], httpx.Response]


def call(
    kind: type[Rowlock | AsyncRowlock], handler: Handler, method: str, *args: Any, client: dict[str, Any] | None = None, **kwargs: Any
) -> Any:
    """What a method of either client returns or raises when the server answers what the handler says."""
    settings: dict[str, Any] = {"httpx_args": {"transport": httpx.MockTransport(handler)}, **(client or {})}
    if kind is Rowlock:
        with Rowlock(URL, **settings) as rowlock:
            return getattr(rowlock, method)(*args, **kwargs)

    async def awaited() -> Any:
        async with AsyncRowlock(URL, **settings) as rowlock:
            return await getattr(rowlock, method)(*args, **kwargs)

    return asyncio.run(awaited())


def problem(status: int, code: str, **headers: str) -> Handler:
    body = {"type": f"/errors#{code}", "title": "T", "status": status, "code": code, "detail": "D.", "request_id": "r1"}
    return lambda _: httpx.Response(status, json=body, headers=headers)


@pytest.mark.parametrize("kind", KINDS)
def test_a_success_is_its_body(kind: type[Rowlock | AsyncRowlock]) -> None:
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(201, json=ORDER)

    order = call(kind, handler, "claim_seats", 7, CLAIM, idempotency_key="k1", client={"token": "t1"})
    assert (order.order_id, order.status) == (ORDER_ID, ORDER["status"])
    assert [seat.seat for seat in order.seats] == [seat["seat"] for seat in ORDER["seats"]]
    (request,) = requests
    assert (request.method, str(request.url)) == ("POST", f"{URL}/v1/events/7/orders")
    assert json.loads(request.content) == {"best_available": {"section": "A", "quantity": 2}}
    assert (request.headers["Idempotency-Key"], request.headers["Authorization"]) == ("k1", "Bearer t1")
    assert call(kind, lambda _: httpx.Response(204), "redrive_dead_letter", 7, ORDER_ID) is None
    assert call(kind, lambda _: httpx.Response(200, text="up 1\n"), "get_metrics") == "up 1\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_is_raised_with_its_type(kind: type[Rowlock | AsyncRowlock]) -> None:
    with pytest.raises(RowlockError) as refusal:
        call(kind, problem(409, "sold_out"), "claim_seats", 7, CLAIM)
    assert (refusal.value.code, refusal.value.status, refusal.value.retry_after_s) == (ProblemCode.SOLD_OUT, 409, None)
    assert (refusal.value.problem.request_id, str(refusal.value)) == ("r1", "sold_out: D.")
    with pytest.raises(RowlockError) as refusal:
        call(kind, problem(503, "overloaded", **{"Retry-After": "3"}), "claim_seats", 7, CLAIM)
    assert refusal.value.retry_after_s == 3
    with pytest.raises(RowlockError) as refusal:
        call(kind, problem(503, "a_younger_code", **{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), "claim_seats", 7, CLAIM)
    assert (refusal.value.code, refusal.value.retry_after_s) == ("a_younger_code", None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [200, 201, 404, 418, 503, 520])
@pytest.mark.parametrize("page", ["<html>Bad gateway</html>", "[]", "null", '{"status": "ok"}', ""])
def test_an_answer_that_is_not_rowlocks_is_raised_as_such(kind: type[Rowlock | AsyncRowlock], status: int, page: str) -> None:
    with pytest.raises(UnexpectedStatus) as unexpected:
        call(kind, lambda _: httpx.Response(status, text=page), "claim_seats", 7, CLAIM)
    assert (unexpected.value.status_code, unexpected.value.content) == (status, page.encode())


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_connection_is_httpx_own_error(kind: type[Rowlock | AsyncRowlock]) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("the connection broke", request=request)

    with pytest.raises(httpx.TransportError):
        call(kind, broken, "claim_seats", 7, CLAIM)


def echo_token(request: httpx.Request) -> httpx.Response:
    """Answers an order of the customer that the token names."""
    return httpx.Response(200, json={**ORDER, "customer_id": request.headers.get("Authorization", "nobody")})


def test_a_token_is_good_for_its_call() -> None:
    with Rowlock(URL, token="own", httpx_args={"transport": httpx.MockTransport(echo_token)}) as client:
        tokens: list[str | None] = ["alice", None, "bob", None]
        seen = [client.get_order(7, ORDER_ID, token=token).customer_id for token in tokens]
    assert seen == ["Bearer alice", "Bearer own", "Bearer bob", "Bearer own"]


def test_calls_at_the_same_time_keep_their_tokens() -> None:
    async def main() -> list[object]:
        async with AsyncRowlock(URL, httpx_args={"transport": httpx.MockTransport(echo_token)}) as client:
            tokens = [None, *(f"customer-{number}" for number in range(20))]
            orders = await asyncio.gather(*(client.get_order(7, ORDER_ID, token=token) for token in tokens))
            return [order.customer_id for order in orders]

    assert asyncio.run(main()) == ["nobody", *(f"Bearer customer-{number}" for number in range(20))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_notice_is_sent_as_the_bytes_that_were_signed(kind: type[Rowlock | AsyncRowlock]) -> None:
    body = '{ "event_id":7,\n\t"provider": "caf\\u00e9 — \u00e9" }'.encode()
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"outcome": "paid"})

    result = call(kind, handler, "notify_payment", body, **sign_notice(SECRET, body))
    assert result.outcome == PaymentOutcome.PAID
    (request,) = requests
    assert (request.content, request.headers["Content-Type"]) == (body, "application/json")
    Webhook(SECRET).verify(request.content, dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.content + b" ", dict(request.headers))


@pytest.mark.parametrize("kind", KINDS)
def test_a_notice_that_is_not_bytes_is_refused(kind: type[Rowlock | AsyncRowlock]) -> None:
    signature = sign_notice(SECRET, notice_bytes(NOTICE))
    with pytest.raises(TypeError, match="notice_bytes"):
        call(kind, lambda _: httpx.Response(200, json={"outcome": "paid"}), "notify_payment", NOTICE, **signature)


def test_a_signature_is_that_of_standard_webhooks() -> None:
    body = notice_bytes(NOTICE)
    assert PaymentNotice.from_dict(json.loads(body)) == NOTICE
    now = datetime.now(UTC)
    assert sign_notice(SECRET, body, message_id="msg_1", sent_at_s=int(now.timestamp())) == {
        "webhook_id": "msg_1",
        "webhook_timestamp": str(int(now.timestamp())),
        "webhook_signature": Webhook(SECRET).sign("msg_1", now, body.decode()),
    }
    assert sign_notice(SECRET, body)["webhook_id"] != sign_notice(SECRET, body)["webhook_id"], "each message has its name"


@pytest.mark.parametrize("secret", ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64", "whsec_abc", "sk_MfKQ9r8GKYqr"])
def test_a_malformed_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        sign_notice(secret, b"{}")


def test_words_that_are_younger_than_the_client_are_passed_on() -> None:
    lent = cast(str, SeatStatus("lent"))
    assert SeatStatus("sold") is SeatStatus.SOLD
    assert (lent, SeatStatus("lent").value) == ("lent", "lent")


def operations(kind: type[Rowlock | AsyncRowlock]) -> dict[str, Any]:
    """Its methods by name, without what it inherits."""
    return {name: method for name, method in vars(kind).items() if inspect.isfunction(method)}


def test_both_clients_have_the_same_operations() -> None:
    blocking, awaited = operations(Rowlock), operations(AsyncRowlock)
    assert list(blocking) == list(awaited)
    for name, method in blocking.items():
        assert inspect.iscoroutinefunction(awaited[name])
        assert not inspect.iscoroutinefunction(method)
        assert (inspect.signature(method), method.__doc__) == (inspect.signature(awaited[name]), awaited[name].__doc__)


def test_docstrings_describe_every_parameter() -> None:
    for name, method in operations(Rowlock).items():
        described = inspect.cleandoc(method.__doc__ or "")
        for parameter in list(inspect.signature(method).parameters)[1:]:
            (line,) = [line for line in described.splitlines() if line.startswith(f"    {parameter}: ")]
            assert len(line.split()) > 2, f"{name}: {line}"


def test_customers_operations_take_a_token_and_no_others_do() -> None:
    with_token = {name for name, method in operations(Rowlock).items() if "token" in inspect.signature(method).parameters}
    customers = {
        re.sub("([A-Z])", r"_\1", operation["operationId"]).lower()
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        if any("CustomerToken" in alternative for alternative in operation["security"])
    }
    assert with_token == customers
    assert "claim_seats" in with_token
    assert "create_event" not in with_token
