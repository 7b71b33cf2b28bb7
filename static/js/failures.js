// The list of failures: kept fresh, and filtered.

import { keepListFresh } from "./held-list.js";
import { isTyping } from "./shell.js";

const page = document.getElementById("failures");
if (page) {
  const refresh = keepListFresh("failures");
  document.body.addEventListener("command-done", () => refresh({ hurry: true }).catch(() => {}));
  page.addEventListener("change", ({ target }) => target.closest("[data-filters]")?.requestSubmit());
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || isTyping(event)) return;
  event.preventDefault();
  /** @type {HTMLInputElement} */ (document.getElementById("search"))?.select();
});
