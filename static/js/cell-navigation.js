// The cells of the grid by keyboard. The one that has the focus says in full what it has no room
// for, and what its title says to who points at it.

import { fullTitle } from "./time-titles.js";
import { hideTip, isTipShown, showTip } from "./tooltip.js";

const FIRST = 2; // after the checkbox and the handle, which have keys of their own

/** The cells of a row that the keyboard goes to. */
const cellsOf = (row) => [...row.cells].slice(FIRST);

export const isCell = (element) => Boolean(element?.matches?.("#rows > [data-id] > td"));

function focus(cell) {
  if (!cell) return;
  cell.tabIndex = -1;
  cell.focus();
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** Go from a row to its first cell. */
export const focusFirstCell = (row) => focus(cellsOf(row)[0]);

/** Go to the same cell of another row. */
export const focusSameColumn = (cell, row) => focus(row.cells[cell.cellIndex]);

/** What a key does in a cell; undefined for what it does in the row too. */
export const cellKeys = {
  ArrowRight: (cell) => focus(cell.nextElementSibling),
  ArrowLeft: (cell) => (cell.cellIndex > FIRST ? focus(cell.previousElementSibling) : cell.parentElement.focus()),
  Home: (cell) => focus(cellsOf(cell.parentElement)[0]),
  End: (cell) => focus(cellsOf(cell.parentElement).at(-1)),
  Escape: (cell) => (isTipShown() ? hideTip() : cell.parentElement.focus()),
};

// What a cell says in full -----------------------------------------------------------------------

const isClipped = (cell) => [cell, ...cell.querySelectorAll("*")].some((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth);

/** The text of a cell where it is cut off, and the titles in it that say more; "" for neither. */
function fullText(cell) {
  const text = cell.textContent.trim().replace(/\s+/g, " ");
  const titles = [...cell.querySelectorAll("[title]:not([title=''])")].map((one) =>
    one.matches("time[datetime]") ? fullTitle(one) : one.title,
  );
  const more = [...new Set(titles)].filter((title) => title !== text);
  const isSaid = more.some((title) => title.includes(text));
  return [...(isClipped(cell) && !isSaid ? [text] : []), ...more].join("\n");
}

function show(cell) {
  const text = fullText(cell);
  if (text) showTip(cell, text);
  else hideTip();
}

export function startCells() {
  document.addEventListener("focusin", ({ target }) => {
    const cell = target.closest?.("#rows > [data-id] > td");
    // Whoever points at a cell has its title.
    if (cell?.matches(":focus-visible, :has(:focus-visible)")) show(cell);
    else if (cell) hideTip();
  });
  // What is said in full has changed.
  document.body.addEventListener("grid:changed", () => {
    if (isTipShown() && isCell(document.activeElement)) show(document.activeElement);
  });
}
