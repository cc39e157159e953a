// The pages without a script: the home page and the list of errors.

import assert from "node:assert/strict";

import { LOOKS, given, shoot, withBrowser } from "./browser.mjs";
import { assertFits, assertReadable } from "./looks.mjs";

await withBrowser(async (open) => {
  for (const [look, options] of Object.entries(LOOKS)) {
    const page = await open({ ...options, javaScriptEnabled: false });

    await page.goto(given.url);
    assert.equal(await page.locator("h1").innerText(), "Rowlock");
    assert.equal(await page.locator(".state").innerText(), "Ready");
    await assertFits(page, `/ (${look})`);
    await assertReadable(page, `/ (${look})`);
    await shoot(page, `home-${look}`, { fullPage: true });

    await page.getByRole("link", { name: "Errors" }).click();
    assert.equal(new URL(page.url()).pathname, "/errors");
    await assertFits(page, `/errors (${look})`);
    await assertReadable(page, `/errors (${look})`);
    await shoot(page, `errors-${look}`);
    await page.locator('.index a[href="#seat_taken"]').click();
    const article = page.locator("article:target");
    assert.equal(await article.getAttribute("id"), "seat_taken");
    await article.scrollIntoViewIfNeeded();
    await shoot(page, `errors-target-${look}`);
  }

  const page = await open();
  await page.goto(given.url);
  const doors = await page.locator("nav a, a.state").evaluateAll((links) => links.map((link) => link.href));
  assert(doors.length >= 6, `${doors}`);
  for (const door of doors) {
    const answer = await page.request.get(door);
    assert.equal(answer.status(), 200, door);
  }
});
