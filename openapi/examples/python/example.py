"""A buyer's whole way through a sale, with the generated client; then what a payment gateway does.

Needs ROWLOCK_URL, ROWLOCK_EVENT_ID, ROWLOCK_TOKEN and ROWLOCK_RIVAL_TOKEN (two customers), ROWLOCK_WEBHOOK_SECRET.
Ends with an error at the first thing that is not as expected.
"""

import asyncio
import base64
import os
import uuid

import httpx
from rowlock_client import AsyncRowlock, Rowlock, RowlockError, notice_bytes, sign_notice
from rowlock_client.models import (
    BestAvailable,
    Claim,
    Event,
    Order,
    OrderStatus,
    PaymentNotice,
    PaymentOutcome,
    PaymentStatus,
    ProblemCode,
    SeatName,
    SeatStatus,
    Section,
)
from rowlock_client.types import UNSET, Unset


def main() -> None:
    """The whole way, step by step."""
    url, event_id = setting("ROWLOCK_URL"), int(setting("ROWLOCK_EVENT_ID"))
    with Rowlock(url, token=setting("ROWLOCK_TOKEN")) as customer, Rowlock(url) as gateway:
        event = find_event(customer, event_id)
        print(f"event {event.event_id}: {event.name}, {event.status}")

        section = roomiest_section(customer, event_id)
        print(f"section {section.section}: {section.available} of {section.capacity} available, {section.price_minor} {section.currency}")

        mine = claim_pair_despite_rival(customer, event_id, section.section)
        print(f"order {mine.order_id}: seats {seats_of(mine)}, to be paid until {mine.expires_at}")

        best = claim_best_available_once(customer, event_id, section.section)
        print(f"order {best.order_id}: best available, seats {seats_of(best)}, claimed once though asked twice")

        pay(gateway, mine)
        print(f"order {mine.order_id}: paid")

    asyncio.run(cancel_and_read_back(url, mine, best))
    print("read back: one paid, one cancelled")


def find_event(customer: Rowlock, event_id: int) -> Event:
    """Reads page after page until the event is there."""
    after: int | Unset = UNSET
    while True:
        page = customer.list_events(after=after, limit=100)
        found = [event for event in page.events if event.event_id == event_id]
        if found:
            return found[0]
        if isinstance(page.next_, Unset):
            raise AssertionError(f"event {event_id} is not on sale")
        after = page.next_


def roomiest_section(customer: Rowlock, event_id: int) -> Section:
    section = max(customer.list_sections(event_id).sections, key=lambda section: section.available)
    expect(section.available >= 6, "the example needs a section with six available seats")
    return section


def claim_pair_despite_rival(customer: Rowlock, event_id: int, section: str) -> Order:
    """Claims two seats of its choice; when somebody was faster, it chooses again among the others.

    The rival comes through the same client: each call may have a token of its own.
    """
    rival_token = setting("ROWLOCK_RIVAL_TOKEN")
    seats = customer.list_seats(event_id, section).seats
    free = [SeatName(section=section, seat=seat.seat) for seat in seats if seat.status == SeatStatus.AVAILABLE]
    taken = customer.claim_seats(event_id, Claim(seats=free[:2]), token=rival_token)
    gone: list[SeatName] = []
    try:
        for attempt in range(1, 6):
            choice = [seat for seat in free if seat not in gone][:2]
            try:
                order = customer.claim_seats(event_id, Claim(seats=choice))
            except RowlockError as error:
                if error.code != ProblemCode.SEAT_TAKEN:
                    raise
                gone.extend(error.problem.taken or [])
                print(f"refused ({error.code}): choosing again without seats {', '.join(str(seat.seat) for seat in gone)}")
                continue
            expect(attempt > 1, "seats that a rival holds are refused")
            expect([SeatName(seat.section, seat.seat) for seat in order.seats] == choice, "the order has the seats of the claim")
            return order
        raise AssertionError("somebody was faster five times")
    finally:
        customer.cancel_order(event_id, taken.order_id, token=rival_token)


def claim_best_available_once(customer: Rowlock, event_id: int, section: str) -> Order:
    """Claims any two seats. The first answer is lost on its way, so the same request is sent again under the same key."""
    key = str(uuid.uuid4())
    claim = Claim(best_available=BestAvailable(section=section, quantity=2))
    before = customer.list_orders(event_id).orders
    with Rowlock(setting("ROWLOCK_URL"), token=setting("ROWLOCK_TOKEN"), httpx_args={"transport": LosesFirstAnswer()}) as lossy:
        try:
            order = lossy.claim_seats(event_id, claim, idempotency_key=key)
            raise AssertionError("the first answer came through")
        except httpx.TransportError as error:
            print(f"no answer ({error!r}): asking again with the same key")
            order = lossy.claim_seats(event_id, claim, idempotency_key=key)
    after = customer.list_orders(event_id).orders
    expect(len(after) == len(before) + 1, "one claim makes one order")
    try:
        another = Claim(best_available=BestAvailable(section=section, quantity=1))
        customer.claim_seats(event_id, another, idempotency_key=key)
        raise AssertionError("a key was good for another claim")
    except RowlockError as error:
        expect((error.status, error.code) == (422, ProblemCode.IDEMPOTENCY_KEY_REUSED), f"the key is refused, not {error}")
    return order


class LosesFirstAnswer(httpx.BaseTransport):
    """A connection that breaks when the server has claimed the seats for the first time, before anybody reads the answer."""

    def __init__(self) -> None:
        self._transport = httpx.HTTPTransport()
        self._lost = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._transport.handle_request(request)
        if self._lost or response.is_error:
            replayed = response.headers.get("Idempotent-Replayed") == "true"
            expect(response.is_error or replayed, "the second answer is the first order")
            return response
        self._lost = True
        response.close()
        raise httpx.ReadError("the connection broke", request=request)

    def close(self) -> None:
        self._transport.close()


def pay(gateway: Rowlock, order: Order) -> None:
    """What the gateway does: it signs what it says, and may say it again."""
    notice = PaymentNotice(
        event_id=order.event_id,
        order_id=order.order_id,
        provider="example",
        provider_reference=str(uuid.uuid4()),
        amount_minor=order.amount_minor,
        currency=order.currency,
        status=PaymentStatus.SUCCEEDED,
    )
    secret, body = setting("ROWLOCK_WEBHOOK_SECRET"), notice_bytes(notice)
    # The signature is over these bytes, and they are what is sent.
    expect(gateway.notify_payment(body, **sign_notice(secret, body)).outcome == PaymentOutcome.PAID, "the notice pays the order")
    expect(gateway.notify_payment(body, **sign_notice(secret, body)).outcome == PaymentOutcome.DUPLICATE, "a repeated notice is known")
    try:
        gateway.notify_payment(body, **sign_notice("whsec_" + base64.b64encode(b"somebody else's secret").decode(), body))
        raise AssertionError("a forged notice was believed")
    except RowlockError as error:
        expect((error.status, error.code) == (401, ProblemCode.INVALID_SIGNATURE), f"the forged notice is refused, not {error}")


async def cancel_and_read_back(url: str, mine: Order, best: Order) -> None:
    """What a server does that acts for many customers: one asynchronous client, the token of the customer with each call."""
    event_id, token, rival_token = mine.event_id, setting("ROWLOCK_TOKEN"), setting("ROWLOCK_RIVAL_TOKEN")
    async with AsyncRowlock(url) as shop:
        cancelled = await shop.cancel_order(event_id, best.order_id, token=token)
        expect(cancelled.status == OrderStatus.CANCELLED, "the order is cancelled")
        print(f"order {best.order_id}: cancelled")

        paid, ours, theirs = await asyncio.gather(
            shop.get_order(event_id, mine.order_id, token=token),
            shop.list_orders(event_id, token=token),
            shop.list_orders(event_id, token=rival_token),
        )
        expect((paid.status, paid.seats) == (OrderStatus.PAID, mine.seats), "the paid order has its seats")
        statuses = {order.order_id: order.status for order in ours.orders}
        expect(statuses[mine.order_id] == OrderStatus.PAID, "the list has the paid order")
        expect(statuses[best.order_id] == OrderStatus.CANCELLED, "the list has the cancelled order")
        expect(not statuses.keys() & {order.order_id for order in theirs.orders}, "the rival's list has the rival's orders")
        try:
            await shop.get_order(event_id, mine.order_id, token=rival_token)
            raise AssertionError("an order was shown to a rival")
        except RowlockError as error:
            expect((error.status, error.code) == (404, ProblemCode.ORDER_NOT_FOUND), f"the rival finds no order, not {error}")


def seats_of(order: Order) -> str:
    return ", ".join(f"{seat.section}{seat.seat}" for seat in order.seats)


def expect(condition: bool, what: str) -> None:
    """Unlike `assert`, it stays under `python -O`."""
    if not condition:
        raise AssertionError(f"not as expected: {what}")


def setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise SystemExit(f"{name} is not set")
    return value


if __name__ == "__main__":
    main()
