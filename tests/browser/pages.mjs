// The pages without a script: the home page and the list of errors.

import assert from "node:assert/strict";

import { SCREENS, given, inLightAndDark, shoot } from "./browser.mjs";
import { assertFits, assertReadable } from "./looks.mjs";

const PATIENCE_MS = 20_000;

async function seen(page, screen, name, options = {}) {
  await assertFits(page, `${name} (${screen})`);
  await inLightAndDark(page, async (colours) => {
    await shoot(page, `${name}-${screen}-${colours}`, options);
    await assertReadable(page, `${name} (${screen}, ${colours})`);
  });
}

/** Opens the first page, and again while a busy machine keeps the server from hearing of Redis in time. */
async function openHome(page) {
  const end = Date.now() + PATIENCE_MS;
  let state;
  do {
    await page.goto(given.url);
    state = await page.locator(".state").innerText();
  } while (state !== "Ready" && Date.now() < end);
  assert.equal(state, "Ready");
}

async function visitOn(screen, page) {
  await openHome(page);
  assert.equal(await page.locator("h1").innerText(), "Rowlock");
  await seen(page, screen, "home", { fullPage: true });

  await page.getByRole("link", { name: "Errors" }).click();
  assert.equal(new URL(page.url()).pathname, "/errors");
  await seen(page, screen, "errors");
  await page.locator('.index a[href="#seat_taken"]').click();
  const article = page.locator("article:target");
  assert.equal(await article.getAttribute("id"), "seat_taken");
  await article.scrollIntoViewIfNeeded();
  await shoot(page, `errors-target-${screen}`);
}

export async function visitPages(open) {
  for (const [screen, options] of Object.entries(SCREENS)) await visitOn(screen, await open({ ...options, javaScriptEnabled: false }));

  const page = await open();
  await page.goto(given.url);
  const doors = await page.locator("nav a, a.state").evaluateAll((links) => links.map((link) => link.href));
  assert(doors.length >= 6, `${doors}`);
  for (const door of doors) {
    const answer = await page.request.get(door);
    assert.equal(answer.status(), 200, door);
  }
}
