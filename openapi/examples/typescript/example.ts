// A buyer's whole way through a sale, with the generated client; then what a payment gateway does.
//
// Needs ROWLOCK_URL, ROWLOCK_EVENT_ID, ROWLOCK_TOKEN and ROWLOCK_RIVAL_TOKEN (two customers), ROWLOCK_WEBHOOK_SECRET.
// Ends with an error at the first thing that is not as expected.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { Webhook } from "standardwebhooks";

import { type Event, type Order, type PaymentNotice, Rowlock, RowlockError, type Seat, type Section } from "../../sdk/typescript/dist/client.js";

const url = setting("ROWLOCK_URL");
const eventId = Number(setting("ROWLOCK_EVENT_ID"));
const customer = new Rowlock(url, { token: setting("ROWLOCK_TOKEN") });
// A server that acts for many customers has one client, and gives the token with each call.
const shop = new Rowlock(url);
const rival = { token: setting("ROWLOCK_RIVAL_TOKEN") };
const gateway = new Rowlock(url);

const event = await findEvent();
console.log(`event ${event.event_id}: ${event.name}, ${event.status}`);

const section = await roomiestSection();
console.log(`section ${section.section}: ${section.available} of ${section.capacity} available, ${section.price_minor} ${section.currency}`);

const mine = await claimPairDespiteRival();
console.log(`order ${mine.order_id}: seats ${seatsOf(mine)}, to be paid until ${mine.expires_at}`);

const best = await claimBestAvailableOnce();
console.log(`order ${best.order_id}: best available, seats ${seatsOf(best)}, claimed once though asked twice`);

await pay(mine);
console.log(`order ${mine.order_id}: paid`);

const cancelled = await customer.cancelOrder(eventId, best.order_id);
assert.equal(cancelled.status, "cancelled");
console.log(`order ${best.order_id}: cancelled`);

await readBack();
console.log("read back: one paid, one cancelled");

/** Reads page after page until the event is there. */
async function findEvent(): Promise<Event> {
  let after: number | undefined;
  for (;;) {
    const page = await customer.listEvents({ after, limit: 100 });
    const found = page.events.find((event) => event.event_id === eventId);
    if (found) return found;
    assert(page.next !== undefined, `event ${eventId} is not on sale`);
    after = page.next;
  }
}

async function roomiestSection(): Promise<Section> {
  const { sections } = await customer.listSections(eventId);
  const [roomiest] = sections.toSorted((one, other) => other.available - one.available);
  assert(roomiest !== undefined && roomiest.available >= 6, "the example needs a section with six available seats");
  return roomiest;
}

/** Claims two seats of its choice; when somebody was faster, it chooses again among the others. */
async function claimPairDespiteRival(): Promise<Order> {
  const seats = await availableSeats();
  const gone = new Set<number>();
  const taken = await shop.claimSeats(eventId, { seats: named(seats.slice(0, 2)) }, rival);
  try {
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const choice = named(seats.filter(({ seat }) => !gone.has(seat)).slice(0, 2));
      try {
        const order = await customer.claimSeats(eventId, { seats: choice });
        assert(attempt > 1, "seats that a rival holds were claimed");
        assert.deepEqual(order.seats.map(({ section, seat }) => ({ section, seat })), choice);
        return order;
      } catch (error) {
        if (!(error instanceof RowlockError && error.code === "seat_taken")) throw error;
        for (const { seat } of error.problem.taken ?? []) gone.add(seat);
        console.log(`refused (${error.code}): choosing again without seats ${[...gone].join(", ")}`);
      }
    }
    throw new Error("somebody was faster five times");
  } finally {
    await shop.cancelOrder(eventId, taken.order_id, rival);
  }
}

async function availableSeats(): Promise<Seat[]> {
  const { seats } = await customer.listSeats(eventId, section.section);
  return seats.filter(({ status }) => status === "available");
}

/** Claims any two seats. The first answer is lost on its way, so the same request is sent again under the same key. */
async function claimBestAvailableOnce(): Promise<Order> {
  const idempotencyKey = randomUUID();
  const claim = { best_available: { section: section.section, quantity: 2 } };
  const before = await customer.listOrders(eventId);
  const lossy = new Rowlock(url, { token: setting("ROWLOCK_TOKEN"), fetch: losingFirstAnswer() });
  const once = () => lossy.claimSeats(eventId, claim, { idempotencyKey });
  const order = await once().catch((error: unknown) => {
    if (error instanceof RowlockError) throw error;
    console.log(`no answer (${String(error)}): asking again with the same key`);
    return once();
  });
  const after = await customer.listOrders(eventId);
  assert.equal(after.orders.length, before.orders.length + 1, "one claim makes one order");
  const reused = customer.claimSeats(eventId, { best_available: { section: section.section, quantity: 1 } }, { idempotencyKey });
  await assert.rejects(reused, { name: "RowlockError", status: 422, code: "idempotency_key_reused" });
  return order;
}

/** A connection that breaks when the server has claimed the seats for the first time, before anybody reads the answer. */
function losingFirstAnswer(): (request: Request) => Promise<Response> {
  let lost = false;
  return async (request) => {
    const response = await fetch(request);
    if (lost || !response.ok) {
      assert(!response.ok || response.headers.get("Idempotent-Replayed") === "true", "the second answer is not the first order");
      return response;
    }
    lost = true;
    await response.body?.cancel();
    throw new TypeError("the connection broke");
  };
}

/** What the gateway does: it signs what it says, and may say it again. */
async function pay(order: Order): Promise<void> {
  const notice: PaymentNotice = {
    event_id: eventId,
    order_id: order.order_id,
    provider: "example",
    provider_reference: randomUUID(),
    amount_minor: order.amount_minor,
    currency: order.currency,
    status: "succeeded",
  };
  const body = JSON.stringify(notice, null, 2);
  const first = await gateway.notifyPayment(body, signed(body, setting("ROWLOCK_WEBHOOK_SECRET")));
  const again = await gateway.notifyPayment(body, signed(body, setting("ROWLOCK_WEBHOOK_SECRET")));
  assert.deepEqual([first.outcome, again.outcome], ["paid", "duplicate"]);
  const forged = gateway.notifyPayment(body, signed(body, `whsec_${Buffer.from("somebody else's secret").toString("base64")}`));
  await assert.rejects(forged, { name: "RowlockError", status: 401, code: "invalid_signature" });
}

/** The signature is over the text that is sent, whatever its blanks. */
function signed(body: string, secret: string): { webhookId: string; webhookTimestamp: string; webhookSignature: string } {
  const [webhookId, now] = [`msg_${randomUUID()}`, new Date()];
  const webhookSignature = new Webhook(secret).sign(webhookId, now, body);
  return { webhookId, webhookTimestamp: String(Math.floor(now.getTime() / 1000)), webhookSignature };
}

async function readBack(): Promise<void> {
  const paid = await customer.getOrder(eventId, mine.order_id);
  assert.deepEqual([paid.status, paid.seats], ["paid", mine.seats]);
  const { orders } = await customer.listOrders(eventId);
  const statuses = new Map(orders.map(({ order_id, status }) => [order_id, status]));
  assert.deepEqual([statuses.get(mine.order_id), statuses.get(best.order_id)], ["paid", "cancelled"]);
}

function named(seats: Seat[]): { section: string; seat: number }[] {
  return seats.map(({ seat }) => ({ section: section.section, seat }));
}

function seatsOf(order: Order): string {
  return order.seats.map(({ section, seat }) => `${section}${seat}`).join(", ");
}

function setting(name: string): string {
  const value = process.env[name];
  assert(value, `${name} is not set`);
  return value;
}
