// The overview and the pages of workers: the hub sends the parts that differ; a page that polls, or
// has missed something, fetches them. The filters apply when they change.

import { drawCrosshair } from "./charts.js";
import { patchElement } from "./dom-patch.js";
import { parseParts, refreshOnChange } from "./page-parts.js";

const page = () => document.getElementById("overview");

/** Whether a part has to stay as it is: the reader points at it, or is in it. Rows there keep their
    place, and links stay under the pointer. */
const isHeld = (part) => part.querySelector("tr:hover, tr:focus-within") !== null;

const waiting = new Map();

function fit(part) {
  const shown = document.getElementById(part.id);
  if (!shown) return;
  if (isHeld(shown)) {
    waiting.set(part.id, part);
    return;
  }
  waiting.delete(part.id);
  patchElement(shown, part);
}

function apply(html) {
  for (const part of parseParts(html)) fit(part);
  drawCrosshair();
}

function fitWaiting() {
  if (!waiting.size) return;
  for (const part of [...waiting.values()]) fit(part);
  drawCrosshair();
}

refreshOnChange(page, apply, { pause: 1000 });
document.body.addEventListener("live:parts", (event) => apply(event.detail.html));
for (const type of ["pointerout", "focusout"]) {
  document.addEventListener(type, () => requestAnimationFrame(fitWaiting));
}

const filters = document.querySelector("[data-filters]");
filters?.addEventListener("change", () => filters.requestSubmit());
// Empty filters stay out of the address.
filters?.addEventListener("submit", () => {
  for (const field of filters.elements) field.disabled = field.name !== "" && field.value === "";
});
addEventListener("pageshow", () => {
  for (const field of filters?.elements ?? []) field.disabled = false;
});
