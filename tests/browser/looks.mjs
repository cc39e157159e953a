// What a person would see at a glance: text too pale to read, a page wider than the screen, overlapping words.

import assert from "node:assert/strict";

/** The least contrast of text and what is behind it (WCAG 2.2, AA). */
const CONTRAST_MIN = 4.5;

/**
 * Fails if the page is wider than the screen, or something to press or to fill in is not wholly on it. A phone's window grows with what
 * is in it, so the window cannot be the measure.
 */
export async function assertFits(page, name) {
  const screen = page.viewportSize().width;
  const { content, widest, controls } = await page.evaluate((width) => {
    const outside = (selector) =>
      [...document.body.querySelectorAll(selector)].filter((element) => {
        const { left, right } = element.getBoundingClientRect();
        return element.checkVisibility() && (left < -0.5 || right > width + 0.5);
      });
    const named = (element) => `${element.localName}.${element.getAttribute("class") ?? ""}`;
    const [widest, controls] = ["*", "input, select, textarea, button"].map((selector) => outside(selector).slice(0, 5).map(named));
    return { content: document.documentElement.scrollWidth, widest, controls };
  }, screen);
  assert.equal(content, screen, `${name} is ${content} px wide on a screen of ${screen} px: ${widest.join(", ")}`);
  assert.deepEqual(controls, [], `${name} has controls beside the screen`);
}

/** Fails if a text that is shown has too little contrast. `least` is the number of texts that there must be, so that it looked at any. */
export async function assertReadable(page, name, least = 10) {
  const texts = await page.evaluate(contrasts);
  assert(texts.length >= least, `${name} shows only ${texts.length} texts`);
  const pale = texts.filter((text) => text.contrast < CONTRAST_MIN);
  const described = pale.map(({ contrast, text, where }) => `${contrast.toFixed(2)} “${text}” in ${where}`);
  assert.deepEqual([...new Set(described)], [], `${name} has text that is hard to read`);
}

/** Runs in the page: every text that is shown, with its contrast. */
function contrasts() {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const pixels = new Map();
  const painted = (layers) => {
    const key = layers.map(({ color, alpha }) => `${color} ${alpha}`).join("|");
    if (!pixels.has(key)) {
      canvas.globalAlpha = 1;
      canvas.clearRect(0, 0, 1, 1);
      for (const { color, alpha } of layers) {
        canvas.globalAlpha = alpha;
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
      }
      pixels.set(key, canvas.getImageData(0, 0, 1, 1).data);
    }
    return pixels.get(key);
  };
  const luminance = ([red, green, blue]) => {
    const linear = (value) => (value <= 0.03928 * 255 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  };
  // Below everything is the browser's own background.
  const canvasColour = matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "#ffffff";

  // For each element: what is painted behind its text, from the outermost element on, and its own opacity.
  const seen = new Map([[null, { behind: [{ color: canvasColour, alpha: 1 }], alpha: 1 }]]);
  const lookAt = (element) => {
    if (!seen.has(element)) {
      const outer = lookAt(element.parentElement);
      const style = getComputedStyle(element);
      if (style.filter !== "none") throw new Error(`colours behind a filter cannot be read: ${element.outerHTML.slice(0, 80)}`);
      const alpha = outer.alpha * Number(style.opacity);
      const transparent = style.backgroundColor === "rgba(0, 0, 0, 0)";
      seen.set(element, { behind: transparent ? outer.behind : [...outer.behind, { color: style.backgroundColor, alpha }], alpha });
    }
    return seen.get(element);
  };
  const contrastOf = (element, color) => {
    const { behind, alpha } = lookAt(element);
    const [over, under] = [[...behind, { color, alpha }], behind].map((layers) => luminance(painted(layers)));
    return (Math.max(over, under) + 0.05) / (Math.min(over, under) + 0.05);
  };

  const where = (element) => {
    const path = [];
    for (let above = element; above && above !== document.body && path.length < 4; above = above.parentElement) {
      path.unshift([above.localName, ...above.classList].join("."));
    }
    return path.join(" ");
  };
  const found = [];
  const add = (element, text, color) => {
    if (!element.checkVisibility({ visibilityProperty: true })) return;
    const { width, height } = element.getBoundingClientRect();
    // Text for screen readers only is a pixel wide.
    if (width <= 1 || height <= 1) return;
    found.push({ text: text.trim().slice(0, 40), where: where(element), contrast: contrastOf(element, color) });
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data, parentElement } = walker.currentNode;
    if (!data.trim() || ["script", "style", "noscript", "option", "textarea"].includes(parentElement.localName)) continue;
    const style = getComputedStyle(parentElement);
    add(parentElement, data, parentElement instanceof SVGElement ? style.fill : style.color);
  }
  for (const field of document.querySelectorAll("input, textarea, select")) {
    add(field, field.value, getComputedStyle(field).color);
    if (field.placeholder && !field.value) add(field, field.placeholder, getComputedStyle(field, "::placeholder").color);
  }
  return found;
}

/** Fails if words of one drawing lie on top of each other, or outside of it. */
export async function assertApart(page, name) {
  const { drawings, texts, collisions } = await page.evaluate(() => {
    const named = (text) => `“${text.textContent.trim()}”`;
    const collisions = [];
    let texts = 0;
    const drawings = [...document.querySelectorAll("figure svg")].filter((svg) => svg.checkVisibility());
    for (const svg of drawings) {
      const edge = svg.getBoundingClientRect();
      const boxes = [...svg.querySelectorAll("text")].map((text) => ({ text, box: text.getBoundingClientRect() }));
      texts += boxes.length;
      boxes.forEach(({ text, box }, index) => {
        if (box.left < edge.left - 1 || box.right > edge.right + 1) collisions.push(`${named(text)} leaves its drawing`);
        for (const other of boxes.slice(index + 1)) {
          const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
          const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
          if (across > 0 && down > 0) collisions.push(`${named(text)} on ${named(other.text)}`);
        }
      });
    }
    return { drawings: drawings.length, texts, collisions };
  });
  assert(drawings > 0 && texts > 0, `${name} has ${drawings} drawings with ${texts} texts`);
  assert.deepEqual(collisions, [], `${name} has labels on top of each other`);
}
