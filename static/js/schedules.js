// The list of schedules and the drawer of one: parts that the hub sends, times that are counted down,
// and the part of the expression at the caret.

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

// How long it is until a time, as flows/formatting.py writes it.
/** @type {[string, number, number][]} */
const UNITS = [
  ["s", 1, 60],
  ["m", 60, 3600],
  ["h", 3600, 172800],
  ["d", 86400, Number.POSITIVE_INFINITY],
];

function countDown() {
  for (const shown of document.querySelectorAll("[data-until]")) {
    const seconds = Math.floor((Number(shown.dataset.until) - Date.now()) / 1000);
    const [unit, size] = UNITS.find((one) => seconds < one[2]) ?? UNITS[UNITS.length - 1];
    const text = seconds < 0 ? "now" : `in ${Math.floor(seconds / size)} ${unit}`;
    if (shown.textContent !== text) shown.textContent = text;
  }
}
setInterval(countDown, 1000);

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

const cron = () => document.querySelector("input.cron");

/** Light the part of the expression at the caret. */
function lightPart() {
  const input = cron();
  if (!input) return;
  const before = input.value.slice(0, input.selectionStart ?? 0).trimStart();
  const number = document.activeElement === input ? before.split(/\s+/).length - 1 : -1;
  for (const [place, part] of document.querySelectorAll(".cron-parts li").entries()) {
    part.classList.toggle("lit", place === number);
  }
}
document.addEventListener("selectionchange", lightPart);
document.addEventListener("focusin", lightPart);
document.body.addEventListener("htmx:afterSwap", lightPart);

document.addEventListener("change", ({ target }) => {
  if (!(target instanceof HTMLSelectElement)) return;
  const input = cron();
  if (target.matches("[data-fills-cron]") && input && target.value) {
    input.value = target.value;
    target.value = "";
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (target.matches("[data-chooses-flow]")) {
    const name = document.querySelector("#schedule-form [name=name]")?.value ?? "";
    const fields = new URLSearchParams({ flow: target.value, cron: input?.value ?? "", name });
    location.assign(`${target.dataset.url}?${fields}`);
  }
});

document.addEventListener("keydown", (event) => {
  const close = document.querySelector("[data-closes-drawer]");
  if (event.key === "Escape" && close && !event.defaultPrevented) close.click();
});
