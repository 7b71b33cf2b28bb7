// The list of failures: kept fresh. While the pointer or the focus is in the list, no row moves, and
// new ones wait behind a button.

import { patchElement } from "./dom-patch.js";
import { parseParts, refreshOnChange } from "./page-parts.js";
import { isTyping } from "./shell.js";

const PAUSE = 1000; // milliseconds between two fetches
const page = () => document.getElementById("failures");
const part = () => document.getElementById("part-failures");
/** @type {Element | null} the newest list, while not all of it is shown */
let waiting = null;

const rowsOf = (element) => [...element.querySelectorAll("tbody > tr[data-key]")];

function isHeld() {
  const body = part().querySelector("tbody");
  return Boolean(body && (body.matches(":hover") || body.contains(document.activeElement)));
}

function showAll(next) {
  waiting = null;
  patchElement(part(), next);
}

/** Change the rows that are there where they stand, and offer the others. */
function showInPlace(next) {
  const fresh = new Map(rowsOf(next).map((row) => [row.dataset.key, row]));
  for (const row of rowsOf(part())) {
    const same = fresh.get(row.dataset.key);
    if (same) patchElement(row, same);
    fresh.delete(row.dataset.key);
  }
  const tabs = [part().querySelector(".tabs"), next.querySelector(".tabs")];
  if (tabs[0] && tabs[1]) patchElement(tabs[0], tabs[1]);
  waiting = next;
  const pill = part().querySelector("[data-new-failures]");
  pill.hidden = fresh.size === 0;
  pill.querySelector("[data-words]").textContent =
    `${fresh.size} new failure${fresh.size === 1 ? "" : "s"}`;
}

function apply(html) {
  for (const next of parseParts(html)) {
    if (isHeld()) showInPlace(next);
    else showAll(next);
  }
}

function release() {
  if (waiting && !isHeld()) showAll(waiting);
}

if (page()) {
  const refresh = refreshOnChange(page, apply, { pause: PAUSE });
  document.body.addEventListener("command-done", () => refresh({ hurry: true }).catch(() => {}));
  page().addEventListener("click", ({ target }) => {
    if (target.closest("[data-new-failures]") && waiting) showAll(waiting);
  });
  page().addEventListener("pointerleave", release);
  page().addEventListener("focusout", () => setTimeout(release));
  page().addEventListener("change", ({ target }) => target.closest("[data-filters]")?.requestSubmit());
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || isTyping(event)) return;
  event.preventDefault();
  /** @type {HTMLInputElement} */ (document.getElementById("search"))?.select();
});
