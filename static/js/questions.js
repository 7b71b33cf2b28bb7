// For you: the list of questions, and the page of one, kept fresh.

import { patchElement } from "./dom-patch.js";
import { keepListFresh } from "./held-list.js";
import { parseParts, refreshOnChange } from "./page-parts.js";

const page = () => document.getElementById("question");
let isTouched = false;

/** What somebody has typed into a form that came too late stays until they leave the page. */
function close() {
  if (!isTouched) {
    location.reload();
    return;
  }
  document.querySelector("[data-answer] [type=submit]")?.setAttribute("disabled", "");
  document.querySelector("[data-closed]")?.removeAttribute("hidden");
}

function apply(html) {
  for (const part of parseParts(html)) {
    patchElement(document.getElementById(part.id), part);
    const state = part.querySelector("[data-state]")?.dataset.state;
    if (!state || state === page().dataset.state) continue;
    page().dataset.state = state;
    close();
  }
}

let refresh = null;
if (document.getElementById("questions")) refresh = keepListFresh("questions");
if (page()) {
  refresh = refreshOnChange(page, apply, { pause: 1000 });
  page().addEventListener("input", ({ target }) => {
    isTouched ||= Boolean(target.closest("[data-answer]"));
  });
}
document.body.addEventListener("live:questions", () => refresh?.().catch(() => {}));
