// The overview and the pages of workers: the hub sends the parts that differ; a page that polls, or
// has missed something, fetches them. The filters apply when they change.

import { drawCrosshair } from "./charts.js";
import { patchElement } from "./dom-patch.js";
import { parseParts, refreshOnChange } from "./page-parts.js";

const page = () => document.getElementById("overview");

/** Whether the rows of a part keep their place: the reader points at one, or is in it. */
const isHeld = (part) => part.querySelector("tr:hover, tr:focus-within") !== null;

const waiting = new Map();

/** Change the rows that are there where they stand. */
function fitRows(shown, part) {
  for (const row of shown.querySelectorAll("tr[data-key]")) {
    const next = part.querySelector(`tr[data-key="${CSS.escape(row.dataset.key)}"]`);
    if (next) patchElement(row, next.cloneNode(true));
  }
}

function fit(part) {
  const shown = document.getElementById(part.id);
  if (!shown) return;
  if (isHeld(shown)) {
    waiting.set(part.id, part);
    fitRows(shown, part);
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

const refresh = refreshOnChange(page, apply, { pause: 1000 });
document.body.addEventListener("command-done", () => refresh({ hurry: true }).catch(() => {}));
document.body.addEventListener("live:parts", (event) => apply(event.detail.html));
for (const type of ["pointerout", "focusout"]) {
  document.addEventListener(type, () => requestAnimationFrame(fitWaiting));
}

// On a phone the charts stand side by side, and dots say which one is shown.
const dots = document.querySelector("[data-chart-dots]");

function placeDots() {
  const charts = document.querySelector(".overview-charts");
  if (!dots || !charts) return;
  while (dots.children.length < charts.children.length) dots.append(document.createElement("span"));
  const at = Math.round(charts.scrollLeft / Math.max(1, charts.clientWidth));
  for (const [n, dot] of [...dots.children].entries()) dot.classList.toggle("on", n === at);
}
document.addEventListener("scroll", ({ target }) => target instanceof Element && target.matches(".overview-charts") && placeDots(), true);
placeDots();

const filters = document.querySelector("[data-filters]");
filters?.addEventListener("change", () => filters.requestSubmit());
// Empty filters stay out of the address.
filters?.addEventListener("submit", () => {
  for (const field of filters.elements) field.disabled = field.name !== "" && field.value === "";
});
addEventListener("pageshow", () => {
  for (const field of filters?.elements ?? []) field.disabled = false;
});
