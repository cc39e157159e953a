// A browser that can reach only one server, and records every other request it makes.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";

const { chromium } = createRequire(new URL("../../openapi/package.json", import.meta.url))("playwright-core");

/** What the test gave us: `url`, `screenshots` (a folder), and credentials. */
export const given = JSON.parse(process.env.ROWLOCK_BROWSER_TEST);

function executable() {
  const names = [process.env.ROWLOCK_CHROMIUM, "chromium", "google-chrome"].filter(Boolean);
  const found = names.find((name) => spawnSync(name, ["--version"]).status === 0);
  assert(found, "no Chromium: run .ci/clients, or set ROWLOCK_CHROMIUM");
  return found.includes("/") ? found : spawnSync("which", [found]).stdout.toString().trim();
}

/** Has visitors by name share one browser, all at the same time, and says which of them failed and why. */
export async function shareBrowser(visitors) {
  const host = new URL(given.url).hostname;
  const browser = await chromium.launch({
    executablePath: executable(),
    args: ["--no-sandbox", "--disable-background-networking", `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${host}`],
  });
  try {
    const visits = Object.entries(visitors).map(async ([name, visit]) => {
      const pages = [];
      try {
        await withPages(browser, pages, visit);
      } catch (error) {
        await keepPictures(pages, name);
        console.error(`${name}: ${error.stack}`);
        process.exitCode = 1;
      }
    });
    await Promise.all(visits);
  } finally {
    await browser.close();
  }
}

/** Runs `visit(open)`; `open(options)` answers a page of its own context. Fails if a page asked another host, or complained. */
async function withPages(browser, pages, visit) {
  const complaints = [];
  const open = async (options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(20_000);
    context.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (!["data:", "blob:"].includes(protocol) && origin !== given.url) complaints.push(`asked ${request.url()}`);
    });
    const page = await context.newPage();
    pages.push(page);
    page.on("pageerror", (error) => complaints.push(`threw ${error.stack}`));
    page.on("console", (message) => {
      // The browser also reports an expected refusal as an error; the step itself checks its status.
      const wanted = message.text().startsWith("Failed to load resource: the server responded with a status of 4");
      if (message.type() === "error" && !wanted) complaints.push(`logged ${message.text()}`);
    });
    return page;
  };
  await visit(open);
  assert.deepEqual(complaints, []);
}

/** Writes what the page looks like, if somebody wants to see it: pictures of everything would take as long as all else. */
export async function shoot(page, name, options = {}) {
  if (process.env.ROWLOCK_BROWSER_PICTURES) await page.screenshot({ path: picture(name), ...options });
}

/** Writes what the pages of a visit that failed looked like then. */
async function keepPictures(pages, visitor) {
  const open = pages.filter((page) => !page.isClosed());
  const kept = open.map((page, index) => page.screenshot({ path: picture(`failed-${visitor}-${index + 1}`) }));
  for (const { reason } of await Promise.allSettled(kept)) if (reason) console.error(`no picture: ${reason}`);
}

function picture(name) {
  return path.join(given.screenshots, `${name}.png`);
}

export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
export const SCREENS = { desktop: {}, phone: PHONE };

/** Looks at the page in light and in dark colours, as it stands: opening it anew for each would take twice as long. */
export async function inLightAndDark(page, look) {
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    await look(colorScheme);
  }
}
