// The overview on a wall, which nobody touches for days: the parts that the hub sends, a clock, and a
// shift by a pixel each minute, so that nothing burns in.

import { serverNow } from "./clock.js";
import { patchElement } from "./dom-patch.js";
import { parseParts, refreshOnChange } from "./page-parts.js";

// Where the picture stands, in pixels: round a small square.
const PLACES = [[0, 0], [1, 0], [2, 0], [2, 1], [2, 2], [1, 2], [0, 2], [0, 1]];
const MINUTE = 60_000;

const page = () => document.getElementById("overview");

function apply(html) {
  for (const part of parseParts(html)) {
    const shown = document.getElementById(part.id);
    if (shown) patchElement(shown, part);
  }
}

refreshOnChange(page, apply, { pause: 1000 });
document.body.addEventListener("live:parts", (event) => apply(event.detail.html));

const clock = document.querySelector("[data-wall-clock]");
const zone = document.documentElement.dataset.zone || undefined;

function tick() {
  const now = serverNow();
  const text = new Date(now).toLocaleTimeString("en-GB", { timeZone: zone });
  if (clock.textContent !== text) clock.textContent = text;
  const [x, y] = PLACES[Math.floor(now / MINUTE) % PLACES.length];
  page().style.translate = `${x}px ${y}px`;
}
tick();
setInterval(tick, 1000);
