// The pages of rushes, in files of their own: labels apart, tables that scroll in their boxes, readable on any screen.

import assert from "node:assert/strict";

import { PHONE, SCREENS, given, inLightAndDark, shoot } from "./browser.mjs";
import { assertApart, assertFits, assertReadable } from "./looks.mjs";

/** Answers by how much the widest table is wider than its box; fails if one does not stay in its box. */
async function overhang(page, name) {
  const boxes = await page.locator("table").evaluateAll((tables) =>
    tables.map((table) => {
      const { overflowX } = getComputedStyle(table.parentElement);
      return { overflowX, over: table.scrollWidth - table.parentElement.clientWidth };
    }),
  );
  assert(boxes.length > 0, `${name} has no table`);
  for (const { overflowX, over } of boxes) assert(over <= 0 || overflowX === "auto", `${name}: a table leaves its box by ${over} px`);
  return Math.max(...boxes.map(({ over }) => over));
}

export async function visitReports(open) {
  for (const [name, file] of Object.entries(given.pages)) {
    for (const [screen, options] of Object.entries(SCREENS)) {
      const page = await open(options);
      await page.route("**/report.html", (route) => route.fulfill({ path: file, contentType: "text/html; charset=utf-8" }));
      await page.goto(`${given.url}/report.html`);
      const seen = `${name} (${screen})`;
      await assertFits(page, seen);
      await assertApart(page, seen);
      const over = await overhang(page, seen);
      // Otherwise nothing here would notice a table that cannot be scrolled.
      if (options.viewport === PHONE.viewport) assert(over > 0, `${seen}: every table is narrow enough for a phone`);
      await inLightAndDark(page, async (colours) => {
        await shoot(page, `report-${name}-${screen}-${colours}`.replaceAll(" ", "-"), { fullPage: true });
        await assertReadable(page, `${name} (${screen}, ${colours})`);
      });
      await page.context().close();
    }
  }
}
