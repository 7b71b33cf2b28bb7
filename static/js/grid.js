// The executions page: joins its rows, its selection and its live connection.

import { refreshCommands, startCommands } from "./grid-commands.js";
import { catchUp, showRowLimit } from "./live-connection.js";
import { showLoading } from "./loading-indicator.js";
import { setRowPositions } from "./row-positions.js";
import * as rows from "./rows.js";
import { setCurrent, startSelection } from "./selection.js";
import { isTyping, notify } from "./shell.js";
import { isWatched } from "./watches.js";

const section = document.getElementById("executions");
/** @type {(message: object) => void} */
let send = () => {};
let sendTimer = 0;
let sendAt = 0;
let isApplying = false; // the server knows what it sent: telling it what fell off has time
let lastSent = ""; // what the server was told last
let lastFrame = 0; // the number of the last frame of rows that was read
let page = 0; // how many pages have been put here: frames for the one before say nothing of this
let state = "waiting";

/** Tell the server what is shown, so that it sends the changes of that and no more. It answers
    with what has changed in the last seconds, so nothing is missed between a fetch and this. */
function sendShown() {
  clearTimeout(sendTimer);
  sendTimer = 0;
  const { newest, oldest, layout, liveRows } = rows.table().dataset;
  const all = rows.revisions();
  const shown = all.slice(0, Number(liveRows));
  showRowLimit(shown.length < all.length ? shown.length : 0);
  const place = { query: location.search, layout, newest, oldest, windows: rows.childWindows() };
  // Rows that only changed are no news to who sent them. Another page is, even of the same rows.
  const message = JSON.stringify([page, place, shown.map(([id]) => id)]);
  if (message === lastSent) return;
  lastSent = message;
  send({ type: "show", ...place, rows: shown, last_frame: lastFrame, page });
}

/** Within that time, so that many changes are told together. */
function sendShownWithin(milliseconds) {
  const at = performance.now() + milliseconds;
  if (sendTimer && sendAt <= at) return;
  clearTimeout(sendTimer);
  sendAt = at;
  sendTimer = setTimeout(sendShown, milliseconds);
}

/** Say the revisions again, because a row is needed whole. */
function resendShown() {
  lastSent = "";
  sendShown();
}

async function fetchPart(address) {
  const response = await fetch(address, { headers: { "HX-Request": "true" }, cache: "no-store" });
  if (response.redirected) {
    location.reload(); // signed out meanwhile: leads to the sign-in page, and back here after
    throw new Error("signed out");
  }
  if (!response.ok) throw new Error(`${address} answered ${response.status}`);
  return response.text();
}

async function refresh(force = false) {
  const address = location.href;
  const html = await fetchPart(address);
  if (location.href !== address) return; // the reader has gone elsewhere
  if (rows.mergePage(html, force)) {
    lastSent = ""; // what came in while it was fetched may have gone again
    return;
  }
  // Columns have been chosen in another tab.
  await htmx.ajax("GET", address, { target: section, swap: "innerHTML" });
}

/** The ids of the rows that are open, of those that are here. */
const openRows = () => new URL(location.href).searchParams.getAll("open").filter(rows.rowById);

/** Say in the address that a row is open, and how many hundreds more of its children are listed. */
function setOpen(id, open, more = 0) {
  const address = new URL(location.href);
  const { searchParams } = address;
  const others = openRows().filter((one) => one !== id);
  const lists = searchParams.getAll("more").filter((one) => !one.startsWith(id));
  searchParams.delete("open");
  searchParams.delete("more");
  for (const one of open ? [...others, id] : others) searchParams.append("open", one);
  for (const one of more ? [...lists, `${id}.${more}`] : lists) searchParams.append("more", one);
  history.replaceState(history.state, "", address);
}

function collapse(row) {
  for (const below of rows.descendants(row)) {
    if (rows.isExpanded(below)) setOpen(below.dataset.id, false);
    below.remove();
  }
  row.setAttribute("aria-expanded", "false");
  setOpen(row.dataset.id, false);
}

async function expand(row, more = 0) {
  const { id } = row.dataset;
  const limit = Number(rows.table().dataset.openRows);
  if (openRows().filter((one) => one !== id).length >= limit) {
    // The address of a page, and its live connection, name no more.
    notify(`${limit} rows are open. Close one first, or go to the execution to see its children.`);
    return;
  }
  row.setAttribute("aria-expanded", "true");
  setOpen(id, true, more);
  sendShown();
  const path = rows.table().dataset.children.replace(/[0-]{36}/, id);
  try {
    const html = await showLoading(fetchPart(path + location.search));
    if (row.isConnected && rows.isExpanded(row)) rows.insertChildren(row, html);
    lastSent = "";
  } catch (error) {
    collapse(row);
    notify("The child executions could not be fetched. Try again in a moment.");
    throw error;
  }
}

async function toggle(row) {
  if (rows.isExpanded(row)) collapse(row);
  else await expand(row);
  rows.releasePending();
  onRowsChanged();
}

/** A mark on the rows that the reader watches; the page knows which, the rows are the same for all. */
function markWatched() {
  for (const row of rows.allRows()) {
    const cell = row.querySelector(".c-check");
    const mark = cell.querySelector(".watched");
    if (isWatched(row.dataset.id) === Boolean(mark)) continue;
    if (mark) mark.remove();
    else cell.append(document.getElementById("watched-mark").content.cloneNode(true));
  }
}

function onRowsChanged() {
  setCurrent();
  setRowPositions();
  markWatched();
  refreshCommands();
  sendShownWithin(isApplying ? 2000 : 100);
}

document.addEventListener("click", (event) => {
  const handle = event.target.closest("[data-toggle]");
  const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);
  if (handle && isPlain) {
    event.preventDefault();
    toggle(handle.closest("tr"));
  }
  const more = event.target.closest("[data-hundreds]");
  if (more && isPlain) {
    event.preventDefault();
    expand(rows.rowById(more.closest("tr").dataset.childrenOf), Number(more.dataset.hundreds)).then(onRowsChanged);
  }
  if (event.target.closest("[data-pill]")) showNew();
});

function showNew() {
  rows.rowsBody().closest(".scroller").scrollTop = 0;
  rows.releasePending(true);
}

/** Every single key of the grid, with what it does. */
export const keys = {
  "/": () => document.getElementById("search").select(),
  ".": showNew,
  n: () => document.querySelector("[data-older][href]")?.click(),
  p: () => document.querySelector("[data-newer][href]")?.click(),
};
document.addEventListener("keydown", (event) => {
  if (isTyping(event) || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

document.body.addEventListener("live:open", (event) => {
  send = event.detail.send;
  lastSent = "";
  lastFrame = 0;
  sendShown();
});
document.body.addEventListener("live:catchup", (event) => event.detail.until(refresh()));
document.body.addEventListener("live:rows", (event) => {
  if (event.detail.page !== page) return;
  isApplying = true;
  try {
    const needsWholeRow = rows.applyChanges(event.detail);
    lastFrame = event.detail.number;
    if (needsWholeRow) resendShown();
  } catch (error) {
    reportError(error);
    lastSent = "";
    catchUp(); // what could not be put in is fetched
  } finally {
    isApplying = false;
  }
});
document.body.addEventListener("live:counts", ({ detail }) => {
  if (detail.page !== page) return;
  for (const [status, text] of Object.entries(detail.counts)) rows.showCount(status, text);
  rows.showTotal(detail.total, detail.words);
});
document.body.addEventListener("grid:incomplete", ({ detail }) => {
  if (detail.force) refresh(true).catch(catchUp);
  else catchUp();
});
document.body.addEventListener("grid:changed", onRowsChanged);
document.body.addEventListener("watches:changed", markWatched);
document.body.addEventListener("live:watches", ({ detail }) => {
  const { searchParams } = new URL(location.href);
  const isBy = (name) => searchParams.getAll(name).includes("watched");
  if (isBy("is") && !detail.on) rows.strikeRows(detail.ids, "you no longer watch it");
  else if (isBy("is") || isBy("-is")) catchUp();
});
document.body.addEventListener("live:state", (event) => {
  state = event.detail;
});

// Another page of the grid, or another filter, has been swapped in.
document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target !== section) return;
  page += 1;
  rows.clearPending();
  onRowsChanged();
});
document.body.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb !== "get") return;
  for (const [name, value] of [...detail.formData]) if (value === "") detail.formData.delete(name);
});
// What a command changed arrives by the socket; without one it is fetched.
document.body.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt.dataset?.command && state !== "live") catchUp();
});

rows.holdRowsUnderPointer(section);
startSelection(refreshCommands);
startCommands();
onRowsChanged();
