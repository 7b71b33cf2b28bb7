// Selecting rows by pointer and keyboard: those of this page, or all that match the filter.

import { executionAddress, isTyping } from "./shell.js";
import * as cells from "./cell-navigation.js";
import { allRows as rows, rowsBody, isExpanded, parentOf, rowById } from "./rows.js";

let anchor = null; // where a range begins: the id of a row
let current = null; // the row that the keyboard is on: its id
let selectionChanged = () => {};
let matching = false; // whether all that match are selected, not only those that are here

export const selected = () => rows().filter((row) => row.getAttribute("aria-selected") === "true");

function paint(row, on) {
  row.setAttribute("aria-selected", String(on));
  row.querySelector("input[name=id]").checked = on;
}

function mark(row, on) {
  matching = false;
  paint(row, on);
}

function selectOnly(chosen) {
  matching = false;
  for (const row of rows()) paint(row, chosen.includes(row));
}

/** Select all that match the filter, also what is on other pages and what is yet to come in. */
export function selectMatching() {
  selectOnly(rows());
  matching = true;
}

/** Whether all that match are selected; another page or filter begins with nothing selected. */
export function isMatching() {
  matching &&= selected().length > 0;
  if (matching) for (const row of rows()) paint(row, true);
  return matching;
}

function selectRange(to) {
  const all = rows();
  const from = (anchor && rowById(anchor)) || to;
  const [first, last] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  selectOnly(all.slice(first, last + 1));
}

// Coming back ----------------------------------------------------------------------------------

// Browsers tick boxes again by their places, where other rows may stand by now, so they are kept
// from it (autocomplete="off"); what was selected is kept by its ids.
const WENT_BACK = "went back";
const place = () => `selected ${location.search}`;

function remember() {
  const ids = matching ? [] : selected().map((row) => row.dataset.id);
  if (ids.length) sessionStorage.setItem(place(), ids.join(" "));
  else sessionStorage.removeItem(place());
}

function recall() {
  /** @type {any[]} */
  const [navigation] = performance.getEntriesByType("navigation");
  const wentBack = navigation?.type === "back_forward" || sessionStorage.getItem(WENT_BACK);
  sessionStorage.removeItem(WENT_BACK);
  const ids = wentBack ? (sessionStorage.getItem(place()) ?? "").split(" ") : [];
  for (const row of rows()) paint(row, ids.includes(row.dataset.id));
  if (!wentBack) sessionStorage.removeItem(place());
}

// Pointer --------------------------------------------------------------------------------------

function clicked(event) {
  if (event.target.closest("[data-select-none]")) selectOnly([]);
  if (event.target.matches("[data-select-all]")) selectOnly(event.target.checked ? rows() : []);
  const row = event.target.closest("#rows > [data-id]");
  if (row) clickedRow(row, event);
  remember();
  selectionChanged();
}

function clickedRow(row, event) {
  const box = event.target.closest("input[name=id]");
  if (event.target.closest("a, button") || (!box && String(getSelection()))) return;
  if (event.shiftKey) {
    selectRange(row);
    getSelection()?.removeAllRanges();
  } else {
    if (box) mark(row, box.checked);
    else if (event.ctrlKey || event.metaKey) mark(row, row.getAttribute("aria-selected") !== "true");
    else selectOnly([row]);
    anchor = row.dataset.id;
  }
  setCurrent(row);
}

// Keyboard -------------------------------------------------------------------------------------

/** One row is the grid's tab stop.
    @param {any} row */
export function setCurrent(row = null) {
  current = row?.dataset.id ?? current;
  const stop = (current && rowById(current)) || rows()[0];
  for (const other of rowsBody().querySelectorAll('tr[tabindex="0"]')) {
    if (other !== stop) other.tabIndex = -1;
  }
  if (stop) stop.tabIndex = 0;
}

function focus(row) {
  if (!row) return;
  setCurrent(row);
  row.focus();
  row.scrollIntoView({ block: "nearest" });
}

function step(row, by, extend) {
  const all = rows();
  const to = row ? all[Math.min(Math.max(all.indexOf(row) + by, 0), all.length - 1)] : all[0];
  if (!to) return;
  if (extend) {
    if (!selected().length && row) anchor = row.dataset.id;
    selectRange(to);
  }
  focus(to);
}

const open = (row) => location.assign(executionAddress(row.dataset.id));

const onRow = {
  Enter: open,
  " ": (row) => mark(row, row.getAttribute("aria-selected") !== "true"),
  ArrowRight: (row) => {
    if (row.hasAttribute("aria-expanded") && !isExpanded(row)) row.querySelector("[data-toggle]").click();
    else cells.focusFirstCell(row);
  },
  ArrowLeft: (row) => {
    if (isExpanded(row)) row.querySelector("[data-toggle]").click();
    else focus(parentOf(row));
  },
  Home: () => focus(rows()[0]),
  End: () => focus(rows().at(-1)),
};
onRow.x = onRow[" "];

const moves = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

/** Every key that this script listens to, for the list of shortcuts. */
export const keys = [...Object.keys(onRow), ...Object.keys(moves), "Escape", "Ctrl+a"];

/** Ctrl+A selects the rows, unless it is pressed where it selects a text. */
function isSelectAll(event) {
  if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "a") return false;
  const texts = "input:not([type=checkbox]), textarea, select, [contenteditable], dialog, [popover]";
  return !event.defaultPrevented && !document.querySelector("dialog:modal") && rows().length > 0 && !event.target.closest?.(texts);
}

function pressed(event) {
  const row = document.activeElement?.closest("#rows > [data-id]");
  if (isSelectAll(event)) {
    event.preventDefault();
    if (selected().length === rows().length) selectMatching();
    else selectOnly(rows());
    remember();
    selectionChanged();
    return;
  }
  if (isTyping(event)) return;
  const cell = cells.isCell(document.activeElement) ? document.activeElement : null;
  const by = moves[event.key];
  const isArrow = event.key.startsWith("Arrow");
  if (by && (row || !isArrow)) {
    step(row ?? (current && rowById(current)), by, event.shiftKey && isArrow);
    if (cell) cells.focusSameColumn(cell, document.activeElement);
  } else if (cell && cells.cellKeys[event.key]) {
    cells.cellKeys[event.key](cell);
  } else if (cell && event.key === "Enter" && cell.querySelector("a")) {
    cell.querySelector("a").click();
  } else if (event.key === "Escape" && selected().length && !document.querySelector(":popover-open")) {
    selectOnly([]);
  } else if (row && [row, cell].includes(document.activeElement) && onRow[event.key]) {
    onRow[event.key](row);
    if (event.key === " " || event.key === "x") anchor = row.dataset.id;
  } else {
    return;
  }
  event.preventDefault();
  remember();
  selectionChanged();
}

/** `onChange` is called whenever what is selected may have changed. */
export function startSelection(onChange) {
  selectionChanged = onChange;
  cells.startCells();
  recall();
  addEventListener("popstate", () => sessionStorage.setItem(WENT_BACK, "1"));
  document.addEventListener("click", clicked, true);
  document.addEventListener("dblclick", (event) => {
    if (event.target.closest("a, button, input")) return;
    const row = event.target.closest("#rows > [data-id]");
    if (row) open(row);
  });
  document.addEventListener("keydown", pressed);
  document.body.addEventListener("focusin", (event) => {
    const row = event.target.closest("#rows > [data-id]");
    if (row) setCurrent(row);
  });
}
