// What every page can do: dismiss notices, show the shortcuts, go places by keyboard.

import { startClock } from "./clock.js";
import "./overflow-tooltips.js";
import "./popover-menus.js";
import "./time-titles.js";

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
    Boolean(target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable], dialog")) ||
    // Nothing in a dialog is focused; it is still the only thing that can be used.
    Boolean(document.querySelector("dialog:modal"))
  );
}

let announcedAt = 0;
let announceTimer = 0;
/** Say something to screen readers, at most once in ten seconds; the newest wins. */
export function announce(text) {
  const region = document.getElementById("announce");
  clearTimeout(announceTimer);
  const wait = Math.max(0, announcedAt + 10_000 - Date.now());
  announceTimer = setTimeout(() => {
    announcedAt = Date.now();
    region.textContent = text;
  }, wait);
}

/** Where the page of an execution is. */
export const executionAddress = (id) =>
  String(document.body.dataset.execution).replace("00000000-0000-0000-0000-000000000000", id);

/** Say something where the results of actions are shown: a problem stays until it is dismissed, with
    a link to what to do about it; good news passes.
    @param {string} text
    @param {{passing?: boolean, link?: ?{text: string, href: string, target?: string}}} options */
export function notify(text, { passing = false, link = null } = {}) {
  const notice = document.createElement("div");
  notice.className = passing ? "notice passing" : "notice warning";
  const said = document.createElement("div");
  said.append(text);
  if (link) {
    const { text: textContent, href, target = "" } = link;
    said.append(" ", Object.assign(document.createElement("a"), { textContent, href, target }));
  }
  const close = document.createElement("button");
  Object.assign(close, { type: "button", className: "btn subtle small square", textContent: "×", ariaLabel: "Dismiss" });
  close.dataset.dismiss = "";
  notice.append(document.createElement("span"), said, close);
  notices.append(notice);
}

// One notice is seen at a time, the newest (shell.css). Good news passes by itself, and makes room for
// what comes next. A problem stays below that until it is dismissed, and is not told twice.
const notices = document.getElementById("notices");
const textOf = (notice) => notice.textContent.replace(/\s+/g, " ").trim();

function arrived(notice) {
  for (const other of [...notices.children]) {
    if (other === notice) continue;
    if (other.matches(".passing") || textOf(other) === textOf(notice)) other.remove();
  }
  if (notice.matches(".passing")) setTimeout(() => notice.remove(), 8000);
}

function count() {
  for (const notice of notices.children) {
    const below = [...notices.children].indexOf(notice);
    const close = notice.querySelector("[data-dismiss]");
    if (below) close.dataset.below = below;
    else delete close.dataset.below;
    close.ariaLabel = close.title = below ? `Dismiss; ${below} more below` : "Dismiss";
  }
}

new MutationObserver((changes) => {
  for (const notice of changes.flatMap((change) => [...change.addedNodes])) {
    if (notice instanceof Element && notice.isConnected && notice.matches(".notice")) arrived(notice);
  }
  count();
}).observe(notices, { childList: true });
count();
// What had been refused before is over.
document.body.addEventListener("command-done", () => {
  for (const notice of notices.querySelectorAll(".warning[data-command-result]")) notice.remove();
});

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest(".notice").remove();
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  if (event.target.closest("[data-closes]")) event.target.closest("dialog").close();
});

// A form is not sent again by the same button while its answer is on its way: a second press would do
// it twice, or show why the second was refused in place of what the first has made. A file may be
// asked for again: no page comes in place of this one.
const SENDING = 10_000; // milliseconds, for an answer that never comes
/** @type {WeakMap<EventTarget, number>} when which button, or form without one, was sent */
let sentAt = new WeakMap();
document.addEventListener("submit", (event) => {
  const { target: form, submitter, defaultPrevented } = event;
  if (defaultPrevented || !(form instanceof HTMLFormElement) || form.getAttribute("method") !== "post") return;
  if (submitter?.hasAttribute("data-export")) return;
  const sent = submitter ?? form;
  if (Date.now() - (sentAt.get(sent) ?? 0) < SENDING) event.preventDefault();
  else sentAt.set(sent, Date.now());
});
// Back brings the page as it was left.
addEventListener("pageshow", () => {
  sentAt = new WeakMap();
});

/** Every key that this script listens to, for the list of shortcuts. */
export const keys = ["?", "g"];

let going = 0;
document.addEventListener("keydown", (event) => {
  if (isTyping(event)) return;
  if (event.key === "?") {
    event.preventDefault();
    document.getElementById("shortcuts")?.showModal();
  } else if (event.key === "g") {
    going = Date.now();
  } else if (Date.now() - going < 1500) {
    going = 0;
    document.querySelector(`[data-go-key="${CSS.escape(event.key)}"]`)?.click();
  }
});

startClock();
