// Where a row stands among its siblings, for screen readers. The page knows: rows are the same for
// all who look at them, and what a browser counts by itself is wrong where children are not all
// listed, or stand above their parents.

import { allRows, levelOf, parentOf, rowById, table } from "./row-tree.js";

function setAttribute(row, name, value) {
  if (value === null) row.removeAttribute(name);
  else if (row.getAttribute(name) !== String(value)) row.setAttribute(name, value);
}

/** How many children the row that one hangs on has, at least as many as are listed. */
function siblingCount(parent, listed) {
  const count = Number(parent?.querySelector(".count")?.textContent ?? 0);
  return Math.max(count, listed);
}

/** Say of each row its place among its siblings and how many these are: -1 where more of the list
    are on other pages. */
export function setRowPositions() {
  const { tree, childOrder, newest, oldest } = table().dataset;
  const isChildFirst = tree === "true" && childOrder === "child-first";
  const families = new Map();
  for (const row of allRows()) {
    const key = tree === "true" && levelOf(row) > 1 ? (row.dataset.parent ?? parentOf(row)?.dataset.id ?? "") : "";
    if (!families.has(key)) families.set(key, []);
    families.get(key).push(row);
  }
  for (const [parent, rows] of families) {
    const size = parent ? siblingCount(rowById(parent), rows.length) : newest || oldest ? -1 : rows.length;
    rows.forEach((row, at) => {
      setAttribute(row, "aria-setsize", size);
      // How many stand on the pages before is not known.
      setAttribute(row, "aria-posinset", parent || !newest ? at + 1 : null);
      setAttribute(row, "aria-description", isChildFirst && parent ? "above its parent" : null);
    });
  }
}
