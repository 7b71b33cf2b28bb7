// The page of the logs: new lines come in at the top, at once where nobody reads, else behind a
// button. Nothing that is shown moves under the pointer or the focus.

import "./live-connection.js";
import { announce, isTyping } from "./shell.js";

const KEPT = 500; // rows that the page holds; older ones are on the next page
const pane = document.getElementById("logs");
const body = document.getElementById("log-rows");
const button = pane.querySelector("[data-show-new]");
const older = pane.querySelector("[data-older]");

/** The rows that wait behind the button, the newest first. @type {HTMLElement[]} */
let waiting = [];
let isReloadDue = false; // there are more new lines than come in at once
let running = null;

const newestKey = () => (waiting[0] ?? body.firstElementChild)?.dataset.key;

/** Whether somebody reads what is shown, so that it has to stay where it is. */
const isRead = () =>
  pane.scrollTop > 0 ||
  body.matches(":hover") ||
  body.contains(document.activeElement) ||
  document.getSelection()?.isCollapsed === false;

function parseRows(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.querySelectorAll("tr")];
}

function leaveOut() {
  while (body.children.length > KEPT) body.lastElementChild.remove();
  if (body.children.length < KEPT) return;
  const address = new URL(older.href);
  address.search = location.search;
  address.searchParams.set("before", body.lastElementChild.dataset.key);
  older.href = address.href;
  older.hidden = older.parentElement.hidden = false;
}

function showWaiting() {
  if (isReloadDue) {
    location.reload();
    return;
  }
  body.prepend(...waiting);
  waiting = [];
  pane.querySelector("[data-empty]")?.remove();
  leaveOut();
  updateButton();
}

function updateButton() {
  const number = waiting.length;
  const words = isReloadDue ? "Many new lines" : `${number} new line${number === 1 ? "" : "s"}`;
  const wasHidden = button.hidden;
  button.hidden = !number && !isReloadDue;
  button.querySelector("span").textContent = words;
  if (wasHidden && !button.hidden) announce(words);
}

async function fetchNew() {
  const address = new URL(pane.dataset.newUrl, location.href);
  address.searchParams.set("after", newestKey() ?? "");
  const response = await fetch(address, { headers: { "HX-Request": "true" } });
  if (response.redirected || !response.ok) throw new Error(`new lines: ${response.status}`);
  if (response.headers.has("X-Reload")) {
    // Nothing was shown yet, or too much has come: the page as a whole is newer.
    if (isRead() || newestKey()) isReloadDue = true;
    else await fetchPage();
  } else if (response.status === 200) {
    waiting = [...parseRows(await response.text()), ...waiting];
    // What waits is bounded too: beyond, the page is fetched again.
    if (waiting.length > KEPT) isReloadDue = true;
  }
  if (isReloadDue && !isRead()) {
    isReloadDue = false;
    waiting = [];
    await fetchPage();
  } else if (waiting.length && !isRead()) showWaiting();
  updateButton();
}

/** Replace all rows by those that a page has that is opened now. */
async function fetchPage() {
  const response = await fetch(location.href);
  if (response.redirected || !response.ok) throw new Error(`lines: ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const rows = page.getElementById("log-rows").children;
  if (rows.length) pane.querySelector("[data-empty]")?.remove();
  body.replaceChildren(...rows);
  const link = page.querySelector("[data-older]");
  older.href = link.href;
  older.hidden = link.hidden;
  older.parentElement.hidden = link.parentElement.hidden;
}

/** Fetch what is new; a call that comes meanwhile is one more fetch. */
function refresh() {
  running = (running ?? Promise.resolve()).catch(() => {}).then(fetchNew);
  return running;
}

if (pane.dataset.newUrl) {
  document.body.addEventListener("live:logs", () => refresh().catch(() => {}));
  document.body.addEventListener("live:catchup", (event) => event.detail.until(refresh()));
  button.addEventListener("click", () => {
    pane.scrollTop = 0;
    showWaiting();
    pane.focus();
  });
  // What waits comes in when the reader has left.
  const settle = () => {
    if ((waiting.length || isReloadDue) && !isRead()) refresh().catch(() => {});
  };
  pane.addEventListener("scroll", settle);
  body.addEventListener("pointerleave", settle);
  body.addEventListener("focusout", () => setTimeout(settle));
}

document.addEventListener("keydown", (event) => {
  if (isTyping(event)) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("search").select();
  } else if (event.key === "." && !button.hidden) {
    button.click();
  }
});
