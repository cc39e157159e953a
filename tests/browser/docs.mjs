// Swagger UI as a newcomer uses it: authorise, open an operation, press Execute on the values that are filled in.

import assert from "node:assert/strict";

import { SCREENS, given, inLightAndDark, shoot } from "./browser.mjs";
import { assertFits, assertReadable } from "./looks.mjs";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TAGS = ["Events", "Seats", "Orders", "Payments", "Admin", "Operations"];

async function openDocs(page) {
  await page.goto(`${given.url}/docs`);
  await page.locator(".opblock").first().waitFor();
}

async function authorise(page, credentials) {
  await page.locator(".btn.authorize").click();
  for (const [scheme, secret] of Object.entries(credentials)) {
    const form = page.locator(".auth-container", { hasText: scheme });
    await form.locator("input").fill(secret);
    await form.getByRole("button", { name: "Apply credentials" }).click();
    await form.getByRole("button", { name: "Remove authorization" }).waitFor();
  }
  await shoot(page, "docs-authorised");
  await page.locator(".close-modal").click();
}

function block(page, operationId) {
  return page.locator(`.opblock[id$="-${operationId}"]`);
}

/** Presses Execute on an operation as it is filled in; answers status and body, read off the page, and closes it again. */
async function execute(page, operationId, picture) {
  const operation = block(page, operationId);
  const summary = operation.locator(".opblock-summary-control");
  await summary.click();
  const clear = operation.getByRole("button", { name: "Clear", exact: true });
  await operation.getByRole("button", { name: "Execute" }).waitFor();
  if (await clear.isVisible()) await clear.click();
  const asked = page.waitForResponse((response) => response.url().startsWith(`${given.url}/`));
  await operation.getByRole("button", { name: "Execute" }).click();
  await asked;
  const answer = operation.locator(".live-responses-table .response");
  await answer.waitFor();
  const status = Number.parseInt(await answer.locator(".response-col_status").innerText(), 10);
  const body = await answer.locator(".response-col_description").innerText();
  const curl = await operation.locator(".curl-command").innerText();
  if (picture) {
    await operation.locator(".responses-wrapper").first().scrollIntoViewIfNeeded();
    await shoot(page, picture);
  }
  // Every open operation slows down all the following ones.
  await summary.click();
  return { status, body, curl };
}

/** Opens every operation that takes an idempotency key: each is filled in. Answers the keys. */
async function idempotencyKeys(page) {
  const { paths } = await (await page.request.get(`${given.url}/openapi.json`)).json();
  const operations = Object.values(paths).flatMap((item) => Object.values(item));
  const takers = operations.filter(({ parameters }) => parameters?.some(({ name }) => name === "Idempotency-Key"));
  const keys = [];
  for (const { operationId } of takers) {
    await block(page, operationId).locator(".opblock-summary-control").click();
    keys.push(await block(page, operationId).locator('tr[data-param-name="Idempotency-Key"] input').inputValue());
  }
  for (const key of keys) assert.match(key, UUID);
  return keys;
}

async function expect(page, operationId, status, words = [], picture = undefined) {
  const answer = await execute(page, operationId, picture);
  assert.equal(answer.status, status, `${operationId}: ${answer.body}`);
  for (const word of [words].flat()) assert(answer.body.includes(word), `${operationId} does not say ${word}: ${answer.body}`);
  return answer;
}

/** Looks at whatever a newcomer opens. */
async function look(page, screen) {
  const seen = async (what) => {
    await assertFits(page, `docs (${screen}, ${what})`);
    await inLightAndDark(page, async (colours) => {
      // What has just been opened fades in, and colours may change bit by bit.
      await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState === "finished"));
      await shoot(page, `docs-${screen}-${colours}-${what}`);
      await assertReadable(page, `docs (${screen}, ${colours}, ${what})`);
    });
  };
  await openDocs(page);
  await seen("closed");
  await page.locator(".btn.authorize").click();
  await page.locator(".auth-container").first().waitFor();
  await seen("authorize");
  await page.locator(".close-modal").click();
  for (const operationId of ["claimSeats", "listSeats"]) {
    const operation = block(page, operationId);
    await operation.locator(".opblock-summary-control").click();
    await operation.getByRole("button", { name: "Execute" }).click();
    await operation.locator(".live-responses-table .response").waitFor();
    await operation.scrollIntoViewIfNeeded();
    await seen(operationId);
    await operation.locator(".opblock-summary-control").click();
  }
  const claim = block(page, "claimSeats");
  await claim.locator(".opblock-summary-control").click();
  await claim.getByRole("tab", { name: "Schema" }).first().click();
  await seen("schema");
  await claim.locator(".opblock-summary-control").click();
  await page.locator(".models-control").click();
  await page.locator("#model-Order .model-box-control").first().click();
  await page.locator("#model-Order .inner-object").waitFor();
  assert(!(await page.locator(".models").innerText()).includes("OrderedMap"), "an example is JSON");
  await page.locator("#model-Order").scrollIntoViewIfNeeded();
  await seen("schemas");
}

/** Presses Execute on operations as they are filled in, and remembers which. */
function attempts(page) {
  const tried = new Set();
  const attempt = async (operationId, ...expected) => {
    tried.add(operationId);
    return expect(page, operationId, ...expected);
  };
  return { tried, attempt };
}

const CREDENTIALS = { CustomerToken: given.token, AdminKey: given.api_key, GatewaySignature: given.webhook_secret };

/** What can be done with the seats of the event, in the order in which a newcomer would do it. */
async function sell(page, attempt) {
  await attempt("claimSeats", 401, "unauthorized");
  await authorise(page, CREDENTIALS);
  await attempt("listEvents", 200, `"event_id": ${given.event_id}`);
  await attempt("getEvent", 200, '"status": "open"');
  await attempt("listSections", 200, '"section": "A"');
  await attempt("listSeats", 200, '"available"');
  await attempt("getAvailability", 200);
  const first = await attempt("claimSeats", 201, '"pending_payment"', "docs-claimed");
  // With the same key, the first answer would be repeated.
  const second = await attempt("claimSeats", 409, ['"code": "seat_taken"', "/errors#seat_taken"], "docs-seat-taken");
  const third = await attempt("claimSeats", 409, "seat_taken");
  const [used, fresh, kept] = [first, second, third].map(({ curl }) => curl.match(/Idempotency-Key: ([^']+)'/)?.[1]);
  assert.match(used, UUID);
  assert.match(fresh, UUID);
  assert.notEqual(used, fresh, "a key that did its work is replaced");
  assert.equal(fresh, kept, "a key that did nothing yet is kept for the retry");
  await attempt("listOrders", 200, '"pending_payment"');
  await attempt("getOrder", 200, '"pending_payment"');
  const { curl } = await attempt("notifyPayment", 200, '"outcome": "paid"');
  assert(curl.includes("v1,") && !curl.includes("whsec_"), `the secret stays in the page: ${curl}`);
  await attempt("getOrder", 200, '"paid"');
}

async function operate(attempt) {
  await attempt("getSalesReport", 200, '"sold": 2', "docs-sales");
  await attempt("listAllOrders", 200, '"customer_id"');
  await attempt("listRefundsDue", 200);
  await attempt("listDeadLetters", 200);
  // A healthy server has no dead letter to redrive: this is the one example that cannot succeed.
  await attempt("redriveDeadLetter", 404, "dead_letter_not_found");
  await attempt("blockSeats", 200, '"changed": 2');
  await attempt("unblockSeats", 200, '"changed": 2');
  for (const operationId of ["getLiveness", "getReadiness", "getMetrics"]) await attempt(operationId, 200);
}

/** The page forgets the credentials, and the examples go on to seats that are free still. */
async function openAgain(page, attempt) {
  await openDocs(page);
  assert(!JSON.stringify(await page.evaluate(() => ({ ...localStorage, ...sessionStorage }))).includes("whsec_"), "a secret was kept");
  await expect(page, "listOrders", 401, "unauthorized");
  await authorise(page, CREDENTIALS);
  await attempt("claimSeats", 201, '"pending_payment"');
  await attempt("getOrder", 200, '"pending_payment"');
  await attempt("cancelOrder", 200, '"cancelled"');
  // The seats are free again: another order, which is now the example, even where the previous one was shown.
  await attempt("claimSeats", 201, '"pending_payment"');
  await attempt("getOrder", 200, '"pending_payment"');
  await attempt("changeOrder", 200, '"pending_payment"');
  await attempt("cancelOrder", 200, '"cancelled"');
  await attempt("changeEvent", 200);
  await attempt("createEvent", 201, '"draft"');
  // The event that is filled in is on sale.
  await attempt("deleteEvent", 409, "event_conflict");
}

/** Whatever is filled in succeeds. */
export async function tryDocs(open) {
  const page = await open();
  await openDocs(page);
  assert.equal(await page.title(), "Rowlock API");
  assert.deepEqual(await page.locator(".opblock-tag").evaluateAll((tags) => tags.map((tag) => tag.dataset.tag)), TAGS);
  assert.equal(await page.locator(".topbar").count(), 0);
  await shoot(page, "docs");
  const info = await page.locator(".info").innerText();
  assert(info.includes(`filled in for event ${given.event_id}, “${given.event_name}”`), info);
  assert.equal(await page.locator(".info a", { hasText: "Sign in" }).count(), 0, "an event's name is text");

  const ids = await page.locator(".opblock").evaluateAll((blocks) => blocks.map((block) => block.id.split("-").pop()));
  const { tried, attempt } = attempts(page);
  await sell(page, attempt);
  await operate(attempt);
  await openAgain(page, attempt);
  assert.deepEqual([...tried].sort(), ids.sort(), "every operation is tried");

  await page.goto(`${given.url}/docs#/Orders/claimSeats`);
  await page.reload();
  await block(page, "claimSeats").locator(".opblock-body").waitFor();

  const keys = [];
  for (let load = 0; load < 2; load += 1) {
    await openDocs(page);
    keys.push(...(await idempotencyKeys(page)));
  }
  assert(keys.length >= 2 && new Set(keys).size === keys.length, `each operation has a key of its own after each load: ${keys}`);
}

/** Everything fits and can be read. */
export async function lookAtDocs(open) {
  for (const [screen, options] of Object.entries(SCREENS)) await look(await open(options), screen);
}
