// The rows of the grid: patched in place, inserted where they belong, and never moved away from
// under a reader. All of it works on the rows that executions/row.html renders.

import { announce } from "./shell.js";
import { allRows, rowsBody, descendants, withDescendants, isAbove, levelOf, insertionPoint, rowById, table, topRows } from "./row-tree.js";
import * as tree from "./row-tree.js";

const LINGER = 1000; // a row stays held so long after the pointer has left
const FRESH = 1600;
const BUSY = 0.3; // more fresh rows than that share of all: only the dot, no tint
const PENDING_LIMIT = 200;
const QUIET = 3000; // between two announcements of what waits

const pending = new Map(); // rows that wait behind the pill, by id
const moved = new Set(); // rows that wait where they were until they may go to where they belong
let hovered = null;
let leaving = 0;
let overrun = false; // whether more rows came than can wait

export { allRows, rowsBody, descendants, isExpanded, levelOf, parentOf, rowById, table, childWindows } from "./row-tree.js";

const changed = () => document.body.dispatchEvent(new CustomEvent("grid:changed"));

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

// What must not move ---------------------------------------------------------------------------

const isHeld = (row) =>
  row === hovered || row.contains(document.activeElement) || row.getAttribute("aria-selected") === "true";

/** Whether inserting before that row (null: at the end) leaves every held row where it is. */
function mayInsertBefore(before) {
  if (!before) return true;
  const scroller = rowsBody().closest(".scroller");
  // What comes in above moves what is being read; below it, it is not seen.
  const isSeen = before.offsetTop < scroller.scrollTop + scroller.clientHeight;
  if (scroller.scrollTop > 4 && isSeen) return false;
  for (let row = before; row; row = row.nextElementSibling) if (isHeld(row)) return false;
  return true;
}

export function holdRowsUnderPointer(section) {
  section.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const row = event.target.closest("#rows > [data-id]");
    clearTimeout(leaving);
    if (row) hovered = row;
    else left();
  });
  section.addEventListener("pointerleave", left);
  section.addEventListener("focusout", () => setTimeout(releasePending));
  section.addEventListener("scroll", (event) => event.target.scrollTop <= 4 && releasePending(), true);
}

function left() {
  clearTimeout(leaving);
  leaving = setTimeout(() => {
    hovered = null;
    releasePending();
  }, LINGER);
}

// Changing rows --------------------------------------------------------------------------------

/** What a change says of a row: its start tag (null: as before) and its cells by their places.
    @returns {{row: any, cells: Iterable<any[]>}} */
function parseChange({ html, head, cells }) {
  if (html) {
    const row = parse(html).querySelector("tr");
    return { row, cells: [...row.cells].entries() };
  }
  const changed = Object.entries(cells).map(([at, cell]) => [Number(at), parse(cell).firstElementChild]);
  return { row: head ? parse(head).querySelector("tr") : null, cells: changed };
}

/** Replace what differs in a row by what is newer; selection, focus and expansion stay. */
function patch(row, change) {
  const newer = parseChange(change);
  for (const [index, next] of newer.cells) {
    const cell = row.cells[index];
    if (index === 0) continue; // the checkbox belongs to the reader
    if (index === 1 && row.hasAttribute("aria-expanded")) {
      const count = cell.querySelector(".count");
      const told = next.querySelector("[data-toggle]");
      if (told && count.textContent !== told.textContent.trim()) {
        count.textContent = told.textContent.trim();
        count.ariaLabel = told.title;
        count.parentElement.title = told.title;
      }
      const [failed, fails] = [cell, next].map((one) => one.querySelector(".failed"));
      if (failed && fails) failed.replaceWith(fails);
      else if (fails) cell.firstElementChild.append(fails);
    } else if (cell.innerHTML !== next.innerHTML) {
      if (cell !== document.activeElement && cell.contains(document.activeElement)) row.focus();
      cell.replaceChildren(...next.childNodes);
    }
  }
  row.dataset.revision = change.revision;
  if (!newer.row) return;
  row.className = newer.row.className;
  row.dataset.status = newer.row.dataset.status;
  row.toggleAttribute("data-unhandled", "unhandled" in newer.row.dataset);
  if (newer.row.hasAttribute("aria-expanded") && !row.hasAttribute("aria-expanded")) {
    row.setAttribute("aria-expanded", "false");
  }
}

/** Whether what a change says can be said of a row that holds that revision. */
const isPatchable = (change, row) => change.html || change.from === Number(row.dataset.revision);

const timers = new WeakMap();
function flash(rows) {
  table().toggleAttribute("data-busy", rows.length > BUSY * allRows().length);
  for (const row of rows) {
    row.dataset.fresh = "";
    clearTimeout(timers.get(row));
    timers.set(row, setTimeout(() => delete row.dataset.fresh, FRESH));
  }
}

/** Cross out a row that no longer belongs here, and say why; "" when it does. */
function strikeOut(row, why) {
  row.querySelector(".why")?.remove();
  if (why) {
    const told = document.createElement("span");
    told.className = "why";
    told.textContent = why;
    row.lastElementChild.append(told);
    row.dataset.mismatch = "";
    row.title = `No longer here: ${why}. It leaves at the next refresh.`;
  } else if ("mismatch" in row.dataset) {
    delete row.dataset.mismatch;
    row.removeAttribute("title");
  }
}

/** Rows that something else than a change of theirs takes out of the filter. */
export function strikeRows(ids, why) {
  for (const id of ids) {
    const row = rowById(id);
    if (row) strikeOut(row, why);
    pending.delete(id);
  }
  updateCounts();
}

/** Keep a row waiting, unless a newer copy of it waits already. When too many wait, the page has to
    be fetched once there is room. */
function keepPending(row) {
  const other = pending.get(row.dataset.id);
  if (!other && pending.size >= PENDING_LIMIT) overrun = true;
  else if (!other || Number(other.dataset.revision) <= Number(row.dataset.revision)) pending.set(row.dataset.id, row);
}

/** Insert a row, or the newer copy of it that waits, or keep it waiting. Returns the row that was
    inserted, null when none was. An execution has one row, here or among those that wait. */
function insert(row, force = false) {
  const { id } = row.dataset;
  const before = rowById(id) ? undefined : insertionPoint(row.dataset);
  if (before === undefined) pending.delete(id);
  else if (force || mayInsertBefore(before)) {
    const waiting = pending.get(id);
    const newest = waiting && Number(waiting.dataset.revision) > Number(row.dataset.revision) ? waiting : row;
    pending.delete(id);
    rowsBody().insertBefore(newest, before);
    return newest;
  } else keepPending(row);
  return null;
}

/** Move a row to where its new key puts it, or let it wait there until nothing is held. */
function moveToPlace(row, force = false) {
  const rows = withDescendants(row);
  const after = rows.at(-1).nextElementSibling;
  const before = insertionPoint(row.dataset);
  const stays = before === undefined || before === after;
  const may = force || (!rows.some(isHeld) && mayInsertBefore(before) && mayInsertBefore(after));
  if (!stays && may) {
    /** @type {any} */
    const focused = document.activeElement;
    for (const one of rows) rowsBody().insertBefore(one, before);
    // What is moved in the page has lost the focus.
    if (rows.some((one) => one.contains(focused))) focused.focus({ preventScroll: true });
  }
  if (before === undefined) strikeOut(row, "it is on another page now");
  if (stays || may) moved.delete(row);
  else moved.add(row);
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
    for (const name of ["open", "newer", "older", "at"]) older.delete(name);
    older.set("older", table().dataset.oldest);
    const link = document.querySelector("[data-older]");
    link.href = `?${older}`;
    link.removeAttribute("aria-disabled");
    htmx.process(link);
  }
}

let announceTimer = 0;
let announcement = "";
/** For screen readers, and rarely: what the pill says changes with every frame. */
function announceSoon(text) {
  announcement = text;
  if (announceTimer) return;
  announceTimer = setTimeout(() => {
    announceTimer = 0;
    if (pending.size || moved.size) announce(announcement);
  }, QUIET);
}

/** How many rows match, of how many. Where only what has no parent matches, children come along. */
function updateShownCount() {
  const matching = allRows().filter((row) => !("mismatch" in row.dataset));
  const counted = table().dataset.countsRoots === "true" ? matching.filter((row) => levelOf(row) === 1) : matching;
  const foot = document.querySelector(".foot");
  foot.querySelector("[data-shown]").textContent = counted.length;
  const below = matching.length - counted.length;
  foot.querySelector("[data-below]").textContent = below ? ` and ${below} child${below === 1 ? "" : "ren"}` : "";
  const total = foot.querySelector("[data-total]");
  // What is here counts before it has been counted.
  if (/^[\d,]+$/.test(total.textContent) && Number(total.textContent.replaceAll(",", "")) < counted.length) {
    total.textContent = counted.length.toLocaleString("en");
  }
}

function updateCounts() {
  trim();
  for (const row of moved) if (!row.isConnected) moved.delete(row);
  const count = [...pending.values()].filter((row) => levelOf(row) === 1).length;
  const pill = document.querySelector("[data-pill]");
  const text = [
    count ? `${count >= PENDING_LIMIT ? `${count}+` : count} new execution${count === 1 ? "" : "s"}` : "",
    moved.size ? `${moved.size} moved` : "",
  ].filter(Boolean).join(", ");
  if (text && pill.textContent.trim() !== text) announceSoon(text);
  pill.hidden = text === "";
  pill.querySelector("[data-pill-text]").textContent = text;
  updateShownCount();
  document.querySelector("[data-empty]").hidden = allRows().length > 0;
  changed();
}

/** Let in those that wait and may come in now; all of them when forced. */
export function releasePending(force = false) {
  if (!pending.size && !moved.size) return;
  const isIncomplete = overrun || pending.size >= PENDING_LIMIT; // those that could not wait are missing
  const rows = [...pending.values()].sort((a, b) => (isAbove(a.dataset.key, b.dataset.key) ? 1 : -1));
  const inserted = rows.map((row) => insert(row, force)).filter(Boolean);
  for (const row of moved) moveToPlace(row, force);
  if (inserted.length) flash(inserted);
  updateCounts();
  if (isIncomplete && pending.size < PENDING_LIMIT) {
    overrun = false;
    document.body.dispatchEvent(new CustomEvent("grid:incomplete", { detail: { force } }));
  }
}

/** The id and the revision of every row that is here, those that wait included. */
export function revisions() {
  return [...allRows(), ...pending.values()].map(({ dataset }) => [dataset.id, Number(dataset.revision)]);
}

export function clearPending() {
  pending.clear();
  moved.clear();
  hovered = null;
  overrun = false;
}

/** The rows that hang on one that has been expanded; they take the place of those that waited. */
export function insertChildren(row, html) {
  const fetched = parse(html);
  for (const newer of fetched.querySelectorAll("[data-id]")) {
    const waiting = pending.get(newer.dataset.id);
    pending.delete(newer.dataset.id);
    if (waiting && Number(waiting.dataset.revision) > Number(newer.dataset.revision)) newer.replaceWith(waiting);
  }
  tree.insertChildren(row, fetched);
}

// What arrives ---------------------------------------------------------------------------------

/** A frame of changed rows; `mismatches` says why some no longer match the filter, by id. Older revisions
    than those shown are dropped. Returns whether a row is needed whole: it was changed from another
    revision than the one that is here. */
export function applyChanges({ rows, mismatches }) {
  const fresh = [];
  let needsWholeRow = false;
  for (const change of rows) {
    const { id, key, revision } = change;
    const shown = rowById(id);
    const row = shown ?? pending.get(id);
    if (!row) {
      if (mismatches[id] || !change.html) continue;
      const entered = insert(parseChange(change).row);
      if (entered) fresh.push(entered);
    } else if (Number(row.dataset.revision) < revision) {
      if (isPatchable(change, row)) {
        patch(row, change);
        strikeOut(row, mismatches[id] ?? "");
        if (!shown && mismatches[id]) pending.delete(id);
        if (shown) fresh.push(row);
        if (row.dataset.key !== key) {
          row.dataset.key = key;
          if (shown) moveToPlace(row);
        }
      } else {
        needsWholeRow ||= row.dataset.revision !== "0"; // asked for once
        row.dataset.revision = 0;
      }
    }
  }
  if (fresh.length) flash(fresh);
  updateCounts();
  return needsWholeRow;
}

/** The page as the server has it now, merged into the page that is shown. New rows come in even
    where they move others when forced. False when it is laid out otherwise: then nothing fits. */
export function mergePage(html, force = false) {
  const page = parse(html);
  const now = page.querySelector("table");
  if (now.dataset.layout !== table().dataset.layout) return false;
  const listed = new Set();
  const fresh = [];
  table().dataset.newest = now.dataset.newest;
  table().dataset.oldest = now.dataset.oldest;
  // Parents first, wherever they stand: what hangs on them finds its place by them.
  const listing = [...page.querySelectorAll("#rows > [data-id]")].sort((a, b) => levelOf(a) - levelOf(b));
  for (const newer of listing) {
    const { id, key } = newer.dataset;
    const revision = Number(newer.dataset.revision);
    listed.add(id);
    const shown = rowById(id);
    if (!shown) {
      const entered = insert(document.importNode(newer, true), force);
      if (entered) fresh.push(entered);
      continue;
    }
    strikeOut(shown, "");
    if (Number(shown.dataset.revision) < revision) {
      patch(shown, { html: newer.outerHTML, revision });
      fresh.push(shown);
    }
    if (shown.dataset.key !== key) {
      shown.dataset.key = key;
      moveToPlace(shown, force);
    }
  }
  for (const id of pending.keys()) if (!listed.has(id)) pending.delete(id);
  for (const row of allRows()) {
    if (listed.has(row.dataset.id)) continue;
    if (!isHeld(row)) row.remove();
    else if (!now.dataset.oldest || isAbove(row.dataset.key, now.dataset.oldest)) {
      strikeOut(row, "it no longer matches the filter");
    }
  }
  tree.replaceSummaries(page);
  for (const count of page.querySelectorAll("[data-count]")) showCount(count.dataset.count, count.textContent);
  const [shownFoot, foot] = [document.querySelector(".foot"), page.querySelector(".foot")];
  // The time that somebody is about to jump to stays.
  foot.querySelector(".jump").replaceWith(shownFoot.querySelector(".jump"));
  shownFoot.replaceWith(foot);
  htmx.process(foot);
  if (fresh.length) flash(fresh);
  updateCounts();
  return true;
}

/** How many there are on all pages. */
export function showTotal(text, words) {
  const total = document.querySelector("[data-total]");
  total.textContent = text;
  total.title = words;
  updateShownCount();
}

export function showCount(status, text) {
  const shown = document.querySelector(`[data-count="${status}"]`);
  if (shown && shown.textContent !== text) shown.textContent = text;
}
