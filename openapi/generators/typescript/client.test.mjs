// What the TypeScript client does with calls and answers, without a server: `make sdk-typescript` runs it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Rowlock, RowlockError, UnexpectedAnswer } from "../../sdk/typescript/dist/client.js";

const claim = { best_available: { section: "A", quantity: 2 } };
const problem = { type: "/errors#sold_out", title: "T", status: 409, code: "sold_out", detail: "D.", request_id: "r1" };

/** A client whose server answers this, and the requests that it got. */
function clientOf(answer, options = {}) {
  const requests = [];
  const fetch = async (request) => {
    requests.push({ url: request.url, headers: request.headers, body: await request.text() });
    return typeof answer === "function" ? answer(request) : answer.clone();
  };
  return { client: new Rowlock("http://rowlock.test", { fetch, ...options }), requests };
}

test("a success is its body", async () => {
  const { client, requests } = clientOf(Response.json({ order_id: "o1" }, { status: 201 }), { token: "t1" });
  assert.deepEqual(await client.claimSeats(7, claim, { idempotencyKey: "k1" }), { order_id: "o1" });
  assert.equal(requests[0].url, "http://rowlock.test/v1/events/7/orders");
  assert.deepEqual(JSON.parse(requests[0].body), claim);
  assert.deepEqual(["idempotency-key", "authorization"].map((name) => requests[0].headers.get(name)), ["k1", "Bearer t1"]);
  assert.equal(await clientOf(new Response(null, { status: 204 })).client.redriveDeadLetter(7, "o1"), undefined);
  assert.equal(await clientOf(new Response("up 1\n")).client.getMetrics(), "up 1\n");
});

test("a refusal is thrown with its type", async () => {
  const refused = (headers) => clientOf(Response.json(problem, { status: 409, headers })).client.claimSeats(7, claim);
  await assert.rejects(refused({}), { name: "RowlockError", code: "sold_out", status: 409, problem, retryAfterS: undefined });
  await assert.rejects(refused({ "Retry-After": "3" }), (error) => error instanceof RowlockError && error.retryAfterS === 3);
  await assert.rejects(refused({ "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT" }), { retryAfterS: undefined });
});

test("an answer that is not Rowlock's is thrown as such", async () => {
  for (const status of [200, 201, 404, 503, 520]) {
    for (const [body, type] of [["<html>Bad gateway</html>", "text/html"], ["", "text/plain"]]) {
      const { client } = clientOf(new Response(body, { status, headers: { "Content-Type": type } }));
      const unexpected = (error) => error instanceof UnexpectedAnswer && error.status === status && error.body === body;
      await assert.rejects(client.claimSeats(7, claim), unexpected, `${status} ${body}`);
    }
  }
  const empty = new Response("", { status: 200, headers: { "Content-Type": "application/json" } });
  await assert.rejects(clientOf(empty).client.getOrder(7, "o1"), UnexpectedAnswer);
  await assert.rejects(clientOf(Response.json({ status: "error" }, { status: 503 })).client.redriveDeadLetter(7, "o1"), UnexpectedAnswer);
});

test("a token is good for its call", async () => {
  const echo = (request) => Response.json({ customer_id: request.headers.get("Authorization") });
  const { client } = clientOf(echo, { token: "own" });
  const tokens = ["alice", undefined, "bob", undefined];
  const seen = await Promise.all(tokens.map((token) => client.getOrder(7, "o1", { token })));
  assert.deepEqual(seen.map((order) => order.customer_id), ["Bearer alice", "Bearer own", "Bearer bob", "Bearer own"]);
});

test("a notice is sent as the text that was signed", async () => {
  const signature = { webhookId: "msg_1", webhookTimestamp: "1788235205", webhookSignature: "v1,c2lnbmF0dXJl" };
  const { client, requests } = clientOf(Response.json({ outcome: "paid" }));
  const body = '{ "event_id":7,\n\t"provider": "caf\\u00e9 — é" }';
  assert.deepEqual(await client.notifyPayment(body, signature), { outcome: "paid" });
  assert.equal(requests[0].body, body);
  assert.equal(requests[0].headers.get("Content-Type"), "application/json");
  assert.equal(requests[0].headers.get("webhook-signature"), "v1,c2lnbmF0dXJl");
  await assert.rejects(client.notifyPayment({ event_id: 7 }, signature), TypeError);
  assert.equal(requests.length, 1, "what was refused was not sent");
});

test("a call can be given up", async () => {
  const caller = new AbortController();
  const { client } = clientOf((request) => {
    const givenUp = new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(request.signal.reason)));
    caller.abort(new DOMException("", "TimeoutError"));
    return givenUp;
  });
  await assert.rejects(client.claimSeats(7, claim, { signal: caller.signal }), { name: "TimeoutError" });
});
