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

/** Runs `visit(open)`; `open(options)` answers a page of its own context. Fails if a page asked another host, or complained. */
export async function withBrowser(visit) {
  const host = new URL(given.url).hostname;
  const browser = await chromium.launch({
    executablePath: executable(),
    args: ["--no-sandbox", "--disable-background-networking", `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${host}`],
  });
  const complaints = [];
  const open = async (options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(20_000);
    context.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (!["data:", "blob:"].includes(protocol) && origin !== given.url) complaints.push(`asked ${request.url()}`);
    });
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(`threw ${error.stack}`));
    page.on("console", (message) => {
      // The browser also reports an expected refusal as an error; the step itself checks its status.
      const wanted = message.text().startsWith("Failed to load resource: the server responded with a status of 4");
      if (message.type() === "error" && !wanted) complaints.push(`logged ${message.text()}`);
    });
    return page;
  };
  try {
    await visit(open);
  } finally {
    await browser.close();
  }
  assert.deepEqual(complaints, []);
}

/** Writes what the page looks like. */
export async function shoot(page, name, options = {}) {
  await page.screenshot({ path: path.join(given.screenshots, `${name}.png`), ...options });
}

export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
export const DARK = { colorScheme: "dark" };
export const LOOKS = { light: {}, dark: DARK, phone: PHONE, "phone-dark": { ...PHONE, ...DARK } };
