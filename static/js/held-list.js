// A list that is kept fresh. While the pointer or the focus is in it, no row moves, and new ones wait
// behind a button.

import { patchElement } from "./dom-patch.js";
import { parseParts, refreshOnChange } from "./page-parts.js";

const PAUSE = 1000; // milliseconds between two fetches
const rowsOf = (element) => [...element.querySelectorAll("tbody > tr[data-key]")];

/** Keep the list in the element `name` fresh, whose part has the same name; its pill calls a row
 * what data-held-list says. Returns what refreshes now. */
export function keepListFresh(name) {
  const page = () => document.getElementById(name);
  const part = () => document.getElementById(`part-${name}`);
  /** @type {Element | null} the newest list, while not all of it is shown */
  let waiting = null;

  function isHeld() {
    // The button may come to lie under the pointer.
    if (part().querySelector("tbody:hover, [data-new-rows]:hover")) return true;
    return Boolean(part().querySelector("tbody")?.contains(document.activeElement));
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
    const pill = part().querySelector("[data-new-rows]");
    pill.hidden = fresh.size === 0;
    pill.querySelector("[data-pill-text]").textContent =
      `${fresh.size} new ${page().dataset.heldList}${fresh.size === 1 ? "" : "s"}`;
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

  page().addEventListener("click", ({ target }) => {
    if (target.closest("[data-new-rows]") && waiting) showAll(waiting);
  });
  page().addEventListener("pointerleave", release);
  page().addEventListener("focusout", () => setTimeout(release));
  return refreshOnChange(page, apply, { pause: PAUSE });
}
