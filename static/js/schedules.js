// The list of schedules and the drawer of one: parts that the hub sends, and filters.

import { patchElement } from "./dom-patch.js";
import { parseParts, refreshOnChange } from "./page-parts.js";

const page = () => document.getElementById("schedules");

/** Rows stay where they are while the reader points at one, or is in it. */
const isHeld = (part) => part.querySelector("tr:hover, tr:focus-within") !== null;

const waiting = new Map();

function fit(part) {
  const shown = document.getElementById(part.id);
  if (!shown) return;
  if (!isHeld(shown)) {
    waiting.delete(part.id);
    patchElement(shown, part);
    return;
  }
  waiting.set(part.id, part);
  for (const row of shown.querySelectorAll("tr[data-key]")) {
    const next = part.querySelector(`tr[data-key="${CSS.escape(row.dataset.key)}"]`);
    if (next) patchElement(row, next.cloneNode(true));
  }
}

function apply(html) {
  for (const part of parseParts(html)) fit(part);
}

refreshOnChange(page, apply, { pause: 1000 });
document.body.addEventListener("live:parts", (event) => apply(event.detail.html));
for (const type of ["pointerout", "focusout"]) {
  document.addEventListener(type, () =>
    requestAnimationFrame(() => {
      for (const part of [...waiting.values()]) fit(part);
    }),
  );
}

// The filters apply when they change; empty ones stay out of the address.
const filters = document.querySelector("[data-filters]");
filters?.addEventListener("change", () => filters.requestSubmit());
filters?.addEventListener("submit", () => {
  for (const field of filters.elements) field.disabled = field.name !== "" && field.value === "";
});
addEventListener("pageshow", () => {
  for (const field of filters?.elements ?? []) field.disabled = false;
});

// The drawer ---------------------------------------------------------------------------------------

document.addEventListener("change", ({ target }) => {
  if (!(target instanceof HTMLSelectElement)) return;
  if (target.matches("[data-chooses-flow]")) {
    const cron = document.querySelector("input.cron");
    const name = document.querySelector("#schedule-form [name=name]")?.value ?? "";
    const fields = new URLSearchParams({ flow: target.value, cron: cron?.value ?? "", name });
    location.assign(`${target.dataset.url}?${fields}`);
  }
});

document.addEventListener("keydown", (event) => {
  const close = document.querySelector("[data-closes-drawer]");
  if (event.key === "Escape" && close && !event.defaultPrevented) close.click();
});
