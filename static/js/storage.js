// Data Storage and signals: their lists, kept fresh. Flows may write many times a second, and nobody
// is told of each: a page that is looked at asks now and then, and at once by its button.

import { keepListFresh } from "./held-list.js";

const EVERY = 5000; // milliseconds
const list = document.querySelector("[data-held-list]");

if (list) {
  const refresh = keepListFresh(list.id);
  setInterval(() => {
    if (!document.hidden) refresh().catch(() => {});
  }, EVERY);
  list.querySelector("[data-refresh]")?.addEventListener("click", (event) => {
    event.preventDefault();
    refresh({ hurry: true }).catch(() => location.reload());
  });
}
