// The list of flows: kept fresh without moving rows, a diagram beside the pointer, and moving a flow
// to a folder by dragging or in a dialog.

import { patchElement } from "./dom-patch.js";
import { parseParts, refreshOnChange } from "./page-parts.js";
import { notify } from "./shell.js";

// Milliseconds after a change: the server keeps what is live for a moment, and the counts of a day for
// some seconds (executions/views/flow_list/numbers.py).
const SETTLE = 1100;
const SETTLED = 6500;
const PEEK_AFTER = 500;
const list = () => document.getElementById("flows");

// On a phone the flows come first.
if (matchMedia("(max-width: 899px)").matches) document.querySelector(".flow-nav-box")?.removeAttribute("open");

// Fresh numbers ------------------------------------------------------------------------------------

/** Rows stay where they are; the next page load orders them anew. */
function keepOrder(shown, next) {
  const places = new Map([...shown.querySelectorAll("tr[data-key]")].map((row, place) => [row.dataset.key, place]));
  const body = next.querySelector("tbody");
  if (!body || !places.size) return;
  const rows = [...body.children].filter((row) => places.has(row.dataset.key));
  const place = (row) => places.get(row.dataset.key) ?? 0;
  rows.sort((one, other) => place(one) - place(other));
  body.replaceChildren(...rows);
}

const refresh = refreshOnChange(
  list,
  (html) => {
    for (const part of parseParts(html)) {
      const shown = document.getElementById(part.id);
      if (!shown) continue;
      keepOrder(shown, part);
      patchElement(shown, part);
    }
    if (peeked) showPeek(peeked);
  },
  { pause: SETTLE, settle: SETTLE },
);

let settled = 0;
document.body.addEventListener("live:changed", () => {
  clearTimeout(settled);
  settled = setTimeout(() => refresh(), SETTLED);
});

/** Show the page as it is on the server after a change of this user's, with the counts at the left. */
async function reload() {
  const response = await fetch(location.href);
  if (!response.ok || response.redirected) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of ["part-nav", "part-rows", "part-totals"]) {
    const [shown, next] = [document.getElementById(id), page.getElementById(id)];
    if (shown && next) patchElement(shown, document.importNode(next, true));
  }
}

const post = (url, fields) =>
  fetch(url, {
    method: "POST",
    headers: { ...JSON.parse(document.body.getAttribute("hx-headers") ?? "{}"), "HX-Request": "true" },
    body: new URLSearchParams(fields),
  });

document.addEventListener("click", async (event) => {
  const star = event.target.closest?.("[data-star]");
  if (!star) return;
  event.preventDefault();
  const response = await post(star.formAction, { on: star.value });
  if (response.ok) await reload();
  else notify(`The favourite was not changed (${response.status}). Reload the page and try again.`);
});

// The diagram beside the pointer -------------------------------------------------------------------

const peek = document.getElementById("peek");
let peeked = null; // the row whose diagram is shown
let timer = 0;

async function showPeek(row) {
  const response = await fetch(row.dataset.peek, { headers: { "HX-Request": "true" } });
  if (!response.ok || !row.isConnected || (peeked && peeked !== row)) return;
  peek.innerHTML = await response.text();
  if (!peek.matches(":popover-open")) peek.showPopover();
  peeked = row;
  place(row);
}

function place(row) {
  const name = (row.querySelector(".flow-name") ?? row).getBoundingClientRect();
  const below = innerHeight - name.bottom - 12;
  const up = peek.offsetHeight > below && name.top > below;
  peek.style.top = up ? `${Math.max(8, name.top - peek.offsetHeight - 4)}px` : `${name.bottom + 20}px`;
  peek.style.left = `${Math.max(8, Math.min(name.left + 140, innerWidth - peek.offsetWidth - 8))}px`;
}

function hidePeek() {
  clearTimeout(timer);
  peeked = null;
  if (peek?.matches(":popover-open")) peek.hidePopover();
}

/** The row whose name the pointer or the focus is on. */
const rowOfName = (target) => target.closest?.(".c-name")?.closest("tr[data-peek]") ?? null;

function consider(target) {
  if (target.closest?.("#peek")) {
    clearTimeout(timer);
    return;
  }
  const row = rowOfName(target);
  if (row && row === peeked) return;
  clearTimeout(timer);
  timer = setTimeout(
    () => {
      if (!row) return hidePeek();
      peeked = null;
      showPeek(row);
    },
    row ? PEEK_AFTER : 200,
  );
}
document.addEventListener("pointerover", ({ target, pointerType }) => pointerType !== "touch" && consider(target));
document.addEventListener("focusin", ({ target }) => consider(target));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && peek?.matches(":popover-open")) hidePeek();
});
list()?.addEventListener("scroll", hidePeek, true);

// Moving a flow ------------------------------------------------------------------------------------

const dialog = document.getElementById("arrange");
document.addEventListener("click", async (event) => {
  const opener = event.target.closest?.("[data-opens-arrange]");
  if (opener && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    hidePeek();
    await htmx.ajax("GET", opener.href, { target: dialog, swap: "innerHTML" });
    dialog.showModal();
  } else if (event.target.closest?.("#arrange [data-closes]")) {
    dialog.close();
  }
});

let dragged = null;
const folderUnder = (target) => (dragged ? target.closest?.("[data-drop-folder]") : null);
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("tr[data-arrange]") ?? null;
  if (!dragged) return;
  hidePeek();
  dragged.classList.add("dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.flow);
});
document.addEventListener("dragover", (event) => {
  const folder = folderUnder(event.target);
  for (const one of document.querySelectorAll(".dropping")) if (one !== folder) one.classList.remove("dropping");
  if (!folder) return;
  event.preventDefault();
  folder.classList.add("dropping");
});
document.addEventListener("dragend", () => {
  dragged?.classList.remove("dragged");
  dragged = null;
  for (const one of document.querySelectorAll(".dropping")) one.classList.remove("dropping");
});
document.addEventListener("drop", async (event) => {
  const folder = folderUnder(event.target);
  if (!folder) return;
  event.preventDefault();
  const { arrange, flow } = dragged.dataset;
  const response = await post(arrange, { folder: folder.dataset.dropFolder });
  if (!response.ok) {
    notify(`${flow} was not moved (${response.status}). Reload the page and try again.`);
    return;
  }
  notify(`${flow} is in ${folder.title || folder.textContent.trim()} now.`, { passing: true });
  await reload();
});
