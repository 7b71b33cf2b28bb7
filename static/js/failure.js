// The page of a failure group: its parts are kept fresh, its forms name the revision that is shown.

import { drawCrosshair } from "./charts.js";
import { patchElement } from "./dom-patch.js";
import { parseParts, refreshOnChange } from "./page-parts.js";

const PAUSE = 1000; // milliseconds between two fetches
const page = () => document.getElementById("failure");

/** The menus stand outside of what is fetched, so that nothing moves in a form that is open. */
function setRevision() {
  const shown = page().querySelector("#part-toolbar input[name=revision]");
  if (!shown) return;
  for (const field of page().querySelectorAll("[data-failure-form] input[name=revision]")) {
    if (!field.closest(":popover-open")) field.value = shown.value;
  }
}

function apply(html) {
  for (const part of parseParts(html)) patchElement(document.getElementById(part.id), part);
  setRevision();
  drawCrosshair();
}

if (page()) {
  const refresh = refreshOnChange(page, apply, { pause: PAUSE });
  document.body.addEventListener("command-done", ({ target }) => {
    const form = target.closest?.("[data-failure-form]");
    form?.closest("[popover]")?.hidePopover();
    if (form?.matches("[data-resets-form]")) {
      form.reset();
      form.querySelector("[data-form-key]").value = crypto.randomUUID?.() ?? String(Math.random());
    }
    refresh({ hurry: true }).catch(() => {});
  });
  // A menu opens with what is shown.
  document.addEventListener("beforetoggle", setRevision, true);
  const comment = /** @type {HTMLTextAreaElement | null} */ (document.getElementById("comment"));
  page().addEventListener("click", (event) => {
    if (!event.target.closest("[data-focus]") || !comment) return;
    event.preventDefault();
    comment.focus();
  });
  comment?.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) comment.form?.requestSubmit();
  });
}
