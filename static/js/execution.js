// The page of one execution: fetches the parts that changed when the live connection says so and
// fits them in; keyboard, copying, and lists that follow their end.

import { applyZoom, showInitialZoom, scrollToToken } from "./diagram.js";
import { markVisited, tokenPlaces, travel } from "./diagram-tokens.js";
import { showLoading } from "./loading-indicator.js";
import { patchElement } from "./dom-patch.js";
import { parseParts, refreshOnChange } from "./page-parts.js";
import { isTyping } from "./shell.js";

const PAUSE = 250; // milliseconds between two refreshes
const page = () => document.getElementById("detail");
const canvas = () => page()?.querySelector("[data-canvas]");

const atEnd = (pane) => pane.scrollTop + pane.clientHeight >= pane.scrollHeight - 24;

function patchParts(html) {
  const before = tokenPlaces(canvas());
  const tail = page().querySelector("[data-tail]");
  const followed = tail && atEnd(tail);
  for (const part of parseParts(html)) {
    const shown = document.getElementById(part.id);
    if (!shown) continue;
    patchElement(shown, part);
    htmx.process(shown);
  }
  markVisited(canvas());
  const workspace = canvas()?.querySelector("svg[data-workspace]")?.dataset.workspace;
  if (workspace !== before.workspace) {
    showInitialZoom(canvas());
  } else {
    applyZoom(canvas());
    if (page().querySelector('#follow[aria-checked="true"]')) scrollToToken(canvas());
  }
  travel(canvas(), before);
  const end = page().querySelector("[data-tail]");
  if (end && followed) end.scrollTop = end.scrollHeight;
  document.dispatchEvent(new Event("detail:fitted"));
}

const refresh = refreshOnChange(
  page,
  (html, response) => {
    const revision = Number(response.headers.get("X-Revision"));
    if (revision < Number(page().dataset.revision)) return; // something newer is shown already
    const isRevised = revision > Number(page().dataset.revision);
    page().dataset.revision = revision;
    if (html.trim()) patchParts(html);
    if (isRevised) document.dispatchEvent(new Event("detail:revised"));
  },
  { pause: PAUSE },
);

function scrollToEnd() {
  const tail = page()?.querySelector("[data-tail]");
  if (tail) tail.scrollTop = tail.scrollHeight;
}

// Tabs, panels, pages and workspaces are links to the same page with other parameters.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('#detail a[href^="?"]');
  const plain = !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!link || !plain) return;
  event.preventDefault();
  const address = link.getAttribute("href");
  const how = link.hasAttribute("data-replace") ? "replaceState" : "pushState";
  navigate(link.hasAttribute("data-merge") ? mergedAddress(address) : address, how);
});
addEventListener("popstate", () => showAddress());

function navigate(address, how = "pushState") {
  history[how](null, "", address === "?" ? location.pathname : address);
  showAddress();
}

/** Show another moment of the same page, in place of this one; resolves when it is shown. */
export function showMoment(address) {
  history.replaceState(null, "", address === "?" ? location.pathname : address);
  const next = page().querySelector('form [name="next"]');
  if (next) next.value = location.pathname + location.search;
  return showLoading(refresh({ hurry: true }));
}

/** The present address with what a link changes: the drawing is sent once, so its links don't know
 * the rest. What is open stays open as tabs. */
function mergedAddress(query) {
  const there = new URLSearchParams(location.search);
  const changes = new URLSearchParams(query);
  if (changes.has("var")) there.delete("item");
  for (const [name, value] of changes) there.set(name, value);
  const tabs = [...page().querySelectorAll("#part-workspaces [data-open]")].map((tab) => tab.dataset.open);
  if (tabs.length) there.set("open", tabs.join(","));
  return `?${there}`.replaceAll("%2C", ",").replaceAll("%2F", "/").replaceAll("%3A", ":");
}

// Whoever moves the diagram wants it to stay: the token is no longer followed.
document.addEventListener("diagram:panned", () => {
  const follow = page()?.querySelector('#follow[aria-checked="true"]');
  if (!follow) return;
  follow.setAttribute("aria-checked", "false");
  navigate(follow.getAttribute("href"), "replaceState");
});

function showAddress() {
  const next = page().querySelector('form [name="next"]');
  if (next) next.value = location.pathname + location.search;
  const tab = page().querySelector("[data-tail]")?.dataset.key;
  showLoading(refresh()).then(
    () => tab !== page().querySelector("[data-tail]")?.dataset.key && scrollToEnd(),
    () => location.reload(),
  );
}

document.body.addEventListener("live:watches", () => refresh());

scrollToEnd();

document.addEventListener("keydown", (event) => {
  if (isTyping(event) || event.repeat) return;
  const button = document.querySelector(`[data-hotkey="${CSS.escape(event.key)}"]:not(:disabled)`);
  if (!button) return;
  event.preventDefault();
  button.click();
});
