// Looking into values: the list of variables follows what is typed, and a value is edited in a
// dialog.

import { showMoment } from "./execution.js";

const WAIT = 150; // milliseconds after the last key
const dialog = () => document.getElementById("value-edit");

let typing = 0;

function search(form) {
  clearTimeout(typing);
  const there = new URLSearchParams(location.search);
  there.delete("at");
  for (const field of form.querySelectorAll("input:not([type=hidden]), select")) {
    if (field.value) there.set(field.name, field.value);
    else there.delete(field.name);
  }
  showMoment(`?${there}`).catch(() => {});
}

// Forms that say which rows are listed: a page without JavaScript, a move with it.
document.addEventListener("input", (event) => {
  const form = event.target.closest?.("#detail form[data-find]");
  if (!form) return;
  clearTimeout(typing);
  typing = setTimeout(() => search(form), WAIT);
});
document.addEventListener("submit", (event) => {
  const form = event.target.closest?.("#detail form[data-find]");
  if (!form) return;
  event.preventDefault();
  search(form);
});

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.target !== dialog()) return;
  if (!dialog().open) dialog().showModal();
  (dialog().querySelector("[aria-invalid]") ?? dialog().querySelector("textarea:not([hidden])"))?.focus();
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.("#value-edit [data-close]")) dialog().close();
});
document.body.addEventListener("command-done", () => dialog()?.open && dialog().close());
