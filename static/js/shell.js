// What every page can do: dismiss notices, show the shortcuts, go places by keyboard.

import { startClock } from "./clock.js";
import "./menus.js";
import "./moments.js";

/** Whether single keys belong to what is focused instead of to the page. */
export function isTyping(event) {
  const target = event.target;
  return (
    event.defaultPrevented ||
    event.isComposing ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    // Their user has switched shortcuts of a single key off.
    (document.body.dataset.singleKeys === "off" && /^[^ ]$/u.test(event.key)) ||
    Boolean(target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable], dialog"))
  );
}

let spoken = 0;
/** Say something to screen readers, at most once in ten seconds; the newest wins. */
export function announce(text) {
  const region = document.getElementById("announce");
  clearTimeout(announce.timer);
  const wait = Math.max(0, spoken + 10_000 - Date.now());
  announce.timer = setTimeout(() => {
    spoken = Date.now();
    region.textContent = text;
  }, wait);
}

/** Show a problem where the results of actions are shown. */
export function notify(text) {
  const notice = document.createElement("div");
  notice.className = "notice warning";
  notice.append(document.createElement("span"), text);
  document.getElementById("notices").append(notice);
  setTimeout(() => notice.remove(), 8000);
}

// Good news passes by itself; a refusal stays until it is dismissed.
new MutationObserver((changes) => {
  for (const notice of changes.flatMap((change) => [...change.addedNodes])) {
    if (notice.classList?.contains("passing")) setTimeout(() => notice.remove(), 8000);
  }
}).observe(document.getElementById("notices"), { childList: true });

document.body.addEventListener("htmx:sendError", () => notify("The server cannot be reached. Nothing was done."));
document.body.addEventListener("htmx:responseError", ({ detail }) =>
  notify(`The server answered ${detail.xhr.status}. Nothing was changed on this page.`),
);

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest(".notice").remove();
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  if (event.target.closest("[data-closes]")) event.target.closest("dialog").close();
});

let going = 0;
document.addEventListener("keydown", (event) => {
  if (isTyping(event)) return;
  if (event.key === "?") {
    event.preventDefault();
    document.getElementById("shortcuts").showModal();
  } else if (event.key === "g") {
    going = Date.now();
  } else if (Date.now() - going < 1500) {
    going = 0;
    document.querySelector(`[data-go="${CSS.escape(event.key)}"]`)?.click();
  }
});

startClock();
