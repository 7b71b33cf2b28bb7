// The rows of the grid: patched in place, inserted where they belong, and never moved away from
// under a reader. All of it works on the rows that executions/row.html renders.

import { announce } from "./shell.js";

const LINGER = 1000; // a row stays held so long after the pointer has left
const FRESH = 1600;
const BUSY = 0.3; // more fresh rows than that share of all: only the dot, no tint
const PENDING_LIMIT = 200;

const pending = new Map(); // rows that wait behind the pill, by id
let hovered = null;
let leaving = 0;

export const body = () => document.getElementById("rows");
export const table = () => body().closest("table");
/** The rows of executions; what sums up or leads on between them is none. */
export const all = () => [...body().querySelectorAll(":scope > [data-id]")];
export const rowOf = (id) => body().querySelector(`tr[data-id="${CSS.escape(id)}"]`);
export const levelOf = (row) => Number(row.getAttribute("aria-level"));
export const isExpanded = (row) => row.getAttribute("aria-expanded") === "true";

const changed = () => document.body.dispatchEvent(new CustomEvent("grid:changed"));

/** Whether key a stands above key b: newest first. */
function isAbove(a, b) {
  const [atA, idA] = a.split("-");
  const [atB, idB] = b.split("-");
  return Number(atA) === Number(atB) ? idA > idB : Number(atA) > Number(atB);
}

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/** The rows below one, however deep. */
export function descendants(row) {
  const found = [];
  for (let next = row.nextElementSibling; next; next = next.nextElementSibling) {
    if (levelOf(next) <= levelOf(row)) break;
    found.push(next);
  }
  return found;
}

const topRows = () => all().filter((row) => levelOf(row) === 1);

// What must not move ---------------------------------------------------------------------------

const isHeld = (row) =>
  row === hovered || row.contains(document.activeElement) || row.getAttribute("aria-selected") === "true";

/** Whether inserting before that row (null: at the end) leaves every held row where it is. */
function mayInsertBefore(before) {
  if (!before) return true;
  if (before === body().firstElementChild && body().closest(".sc").scrollTop > 4) return false;
  for (let row = before; row; row = row.nextElementSibling) if (isHeld(row)) return false;
  return true;
}

export function watchPointer(section) {
  section.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const row = event.target.closest("#rows > [data-id]");
    clearTimeout(leaving);
    if (row) hovered = row;
    else leave();
  });
  section.addEventListener("pointerleave", leave);
  section.addEventListener("focusout", () => setTimeout(release));
  section.addEventListener("scroll", (event) => event.target.scrollTop <= 4 && release(), true);
}

function leave() {
  clearTimeout(leaving);
  leaving = setTimeout(() => {
    hovered = null;
    release();
  }, LINGER);
}

// Changing rows --------------------------------------------------------------------------------

/** Replace what differs in a row by what is newer; selection, focus and expansion stay. */
function patch(row, newer) {
  for (const [index, cell] of [...row.cells].entries()) {
    const next = newer.cells[index];
    if (index === 0) continue; // the checkbox belongs to the reader
    if (index === 1 && row.hasAttribute("aria-expanded")) {
      const count = cell.querySelector(".n");
      const told = next.querySelector("[data-toggle]");
      if (told && count.textContent !== told.textContent.trim()) {
        count.textContent = told.textContent.trim();
        count.ariaLabel = told.title;
        count.parentElement.title = told.title;
      }
    } else if (cell.innerHTML !== next.innerHTML) {
      if (cell.contains(document.activeElement)) row.focus();
      cell.replaceChildren(...next.childNodes);
    }
  }
  row.className = newer.className;
  row.dataset.status = newer.dataset.status;
  row.dataset.revision = newer.dataset.revision;
  if (newer.hasAttribute("aria-expanded") && !row.hasAttribute("aria-expanded")) {
    row.setAttribute("aria-expanded", "false");
  }
}

const timers = new WeakMap();
function flash(rows) {
  table().toggleAttribute("data-busy", rows.length > BUSY * all().length);
  for (const row of rows) {
    row.dataset.fresh = "";
    clearTimeout(timers.get(row));
    timers.set(row, setTimeout(() => delete row.dataset.fresh, FRESH));
  }
}

function strike(row, gone) {
  if (gone) {
    row.dataset.gone = "";
    row.title = "No longer matches the filter; it leaves at the next refresh";
  } else if ("gone" in row.dataset) {
    delete row.dataset.gone;
    row.removeAttribute("title");
  }
}

/** The row before which a new one belongs, null for the end, undefined for not on this page. */
function placeOf({ key, parent }) {
  const { newest, oldest, tree } = table().dataset;
  if (tree === "true" && parent) {
    const above = rowOf(parent);
    if (!above || !isExpanded(above)) return undefined;
    const below = descendants(above);
    const next = below.find((row) => levelOf(row) === levelOf(above) + 1 && isAbove(key, row.dataset.key));
    return next ?? (below.at(-1) ?? above).nextElementSibling;
  }
  if (newest && isAbove(key, newest)) return undefined;
  const next = topRows().find((row) => isAbove(key, row.dataset.key));
  return next ?? (oldest ? undefined : null);
}

/** Insert a row, or keep it waiting; the new row if it was inserted. */
function insert(row, force = false) {
  const before = placeOf(row);
  if (before === undefined) return null;
  if (!force && !mayInsertBefore(before)) {
    pending.set(row.id, row);
    return null;
  }
  pending.delete(row.id);
  const element = parse(row.html).querySelector("tr");
  body().insertBefore(element, before);
  return element;
}

/** Keep the page at its size: what falls off the bottom is on the next page. */
function trim() {
  const rows = topRows();
  const { size } = table().dataset;
  while (rows.length > Number(size) && !isHeld(rows.at(-1))) {
    const last = rows.pop();
    for (const row of descendants(last)) row.remove();
    last.remove();
    table().dataset.oldest = rows.at(-1).dataset.key;
    const older = new URLSearchParams(location.search);
    for (const name of ["open", "newer", "older"]) older.delete(name);
    older.set("older", table().dataset.oldest);
    const link = document.querySelector("[data-older]");
    link.href = `?${older}`;
    link.removeAttribute("aria-disabled");
    htmx.process(link);
  }
}

function settle() {
  trim();
  const count = [...pending.values()].filter((row) => !row.parent || table().dataset.tree === "false").length;
  const pill = document.querySelector("[data-pill]");
  const text = `${count >= PENDING_LIMIT ? `${count}+` : count} new execution${count === 1 ? "" : "s"}`;
  if (count && pill.textContent.trim() !== text) announce(text);
  pill.hidden = count === 0;
  pill.querySelector("[data-pill-text]").textContent = text;
  document.querySelector("[data-shown]").textContent = all().length;
  document.querySelector("[data-empty]").hidden = all().length > 0;
  changed();
}

/** Whether more rows came than can wait: those that are missing have to be fetched. */
export const isOverrun = () => pending.size >= PENDING_LIMIT;

/** Let in those that wait and may come in now; all of them when forced. */
export function release(force = false) {
  if (!pending.size) return;
  const rows = [...pending.values()].sort((a, b) => (isAbove(a.key, b.key) ? 1 : -1));
  const inserted = rows.map((row) => insert(row, force)).filter(Boolean);
  if (force) pending.clear();
  if (inserted.length) flash(inserted);
  settle();
}

/** The id and the revision of every row that is here, those that wait included. */
export function revisions() {
  const shown = all().map(({ dataset }) => [dataset.id, Number(dataset.revision)]);
  return [...shown, ...[...pending.values()].map(({ id, revision }) => [id, Number(revision)])];
}

export function forgetPending() {
  pending.clear();
  hovered = null;
}

/** The rows below one that has been expanded. */
export function fill(row, html) {
  const came = new Map(descendants(row).map((below) => [below.dataset.id, below]));
  for (const below of came.values()) below.remove();
  const rows = parse(html);
  for (const fetched of [...rows.children]) {
    const { id, revision } = fetched.dataset;
    const live = came.get(id);
    if (live && Number(live.dataset.revision) >= Number(revision)) fetched.replaceWith(live);
    came.delete(id);
  }
  row.after(rows);
  for (const live of came.values()) {
    const before = placeOf(live.dataset);
    if (before !== undefined) body().insertBefore(live, before);
  }
}

// What arrives ---------------------------------------------------------------------------------

/** A frame of changed rows. Older revisions than those shown are dropped. */
export function apply({ rows, gone }) {
  const left = new Set(gone);
  const fresh = [];
  for (const row of rows) {
    const shown = rowOf(row.id);
    if (shown) {
      if (Number(shown.dataset.revision) >= row.revision) continue;
      patch(shown, parse(row.html).querySelector("tr"));
      strike(shown, left.has(row.id));
      fresh.push(shown);
    } else if (left.has(row.id)) {
      pending.delete(row.id);
    } else if (pending.size < PENDING_LIMIT || pending.has(row.id)) {
      const inserted = insert(row);
      if (inserted) fresh.push(inserted);
    }
  }
  if (fresh.length) flash(fresh);
  settle();
}

/** The page as the server has it now, merged into the page that is shown. New rows come in even
    where they move others when forced. */
export function merge(html, force = false) {
  const page = parse(html);
  const now = page.querySelector("table");
  const listed = new Set();
  const fresh = [];
  table().dataset.newest = now.dataset.newest;
  table().dataset.oldest = now.dataset.oldest;
  for (const newer of page.querySelectorAll("#rows > tr")) {
    const { id, key, revision, parent } = newer.dataset;
    listed.add(id);
    const shown = rowOf(id);
    if (!shown) {
      const inserted = insert({ id, key, parent, revision: Number(revision), html: newer.outerHTML }, force);
      if (inserted) fresh.push(inserted);
      continue;
    }
    strike(shown, false);
    if (Number(shown.dataset.revision) < Number(revision)) {
      patch(shown, newer);
      fresh.push(shown);
    }
  }
  for (const row of all()) {
    if (listed.has(row.dataset.id)) continue;
    if (!isHeld(row)) row.remove();
    else if (!now.dataset.oldest || isAbove(row.dataset.key, now.dataset.oldest)) strike(row, true);
  }
  for (const count of page.querySelectorAll("[data-count]")) showCount(count.dataset.count, count.textContent);
  const foot = page.querySelector(".foot");
  document.querySelector(".foot").replaceWith(foot);
  htmx.process(foot);
  if (fresh.length) flash(fresh);
  settle();
}

export function showCount(status, text) {
  const shown = document.querySelector(`[data-count="${status}"]`);
  if (shown && shown.textContent !== text) shown.textContent = text;
}
