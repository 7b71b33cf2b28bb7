// Where rows stand: in the order of the grid, and below or above the row that they hang on.
// A row of an execution has data-id; a row with data-children-of sums up the children of that execution,
// of which only those above its data-last are here.

export const rowsBody = () => document.getElementById("rows");
export const table = () => rowsBody().closest("table");
/** The rows of executions; what sums up or leads on between them is none. */
export const allRows = () => [...rowsBody().querySelectorAll(":scope > [data-id]")];
export const rowById = (id) => rowsBody().querySelector(`tr[data-id="${CSS.escape(id)}"]`);
export const levelOf = (row) => Number(row.getAttribute("aria-level"));
export const isExpanded = (row) => row.getAttribute("aria-expanded") === "true";
export const topRows = () => allRows().filter((row) => levelOf(row) === 1);

const isTree = () => table().dataset.tree === "true";
const isChildFirst = () => table().dataset.childOrder === "child-first";
const summaryOf = (id) => rowsBody().querySelector(`tr[data-children-of="${CSS.escape(id)}"]`);

/** Whether key a stands above key b: keys of one order compare as strings (grid/sorting.py). */
export const isAbove = (a, b) => (table().dataset.order === "ascending" ? a < b : a > b);

/** The rows that hang on one, however deep, from top to bottom; with what sums them up. */
export function descendants(row) {
  const found = [];
  const next = isChildFirst() ? "previousElementSibling" : "nextElementSibling";
  for (let other = row[next]; other && levelOf(other) > levelOf(row); other = other[next]) found.push(other);
  return isChildFirst() ? found.reverse() : found;
}

/** A row and those that hang on it, from top to bottom. */
export const withDescendants = (row) => (isChildFirst() ? [...descendants(row), row] : [row, ...descendants(row)]);

/** The row that one hangs on. */
export function parentOf(row) {
  const rows = allRows();
  const at = rows.indexOf(row);
  const isAncestor = (other) => levelOf(other) < levelOf(row);
  return isChildFirst() ? rows.slice(at).find(isAncestor) : rows.slice(0, at).findLast(isAncestor);
}

/** The row before which a new one belongs, null for the end, undefined for not on this page. */
export function insertionPoint({ key, parent }) {
  const isNext = (row) => isAbove(key, row.dataset.key);
  if (isTree() && parent) {
    const above = rowById(parent);
    if (!above || !isExpanded(above)) return undefined;
    const below = descendants(above);
    const children = below.filter((row) => row.dataset.id && levelOf(row) === levelOf(above) + 1);
    const next = children.find(isNext);
    if (next) return withDescendants(next)[0];
    const sum = summaryOf(parent);
    if (sum) return isAbove(key, sum.dataset.last) ? sum : undefined;
    return isChildFirst() ? above : (below.at(-1) ?? above).nextElementSibling;
  }
  const { newest, oldest } = table().dataset;
  if (newest && isAbove(key, newest)) return undefined;
  const next = topRows().find(isNext);
  return next ? withDescendants(next)[0] : oldest ? undefined : null;
}

/** Of executions with more children than are here: the key of the last one that is, by their ids. */
export const childWindows = () =>
  Object.fromEntries([...rowsBody().querySelectorAll("[data-children-of]")].map(({ dataset }) => [dataset.childrenOf, dataset.last]));

/** Put the rows that sum up children where a page has them; what they have counted stays. */
export function replaceSummaries(page) {
  const counted = new Map();
  for (const old of rowsBody().querySelectorAll("[data-children-of]")) {
    counted.set(old.dataset.childrenOf, old.querySelector("[data-counts]"));
    old.remove();
  }
  for (const fetched of page.querySelectorAll("[data-children-of]")) {
    const above = rowById(fetched.dataset.childrenOf);
    if (!above || !isExpanded(above)) continue;
    const sum = document.importNode(fetched, true);
    const counts = counted.get(sum.dataset.childrenOf);
    if (counts) sum.querySelector("[data-counts]").replaceWith(counts);
    if (isChildFirst()) above.before(sum);
    else withDescendants(above).at(-1).after(sum);
    htmx.process(sum);
  }
}

/** Put the children of a row that has been expanded where they belong. Those that came meanwhile
    stay when they are newer. */
export function insertChildren(row, rows) {
  const came = new Map();
  for (const below of descendants(row)) {
    if (below.dataset.id) came.set(below.dataset.id, below);
    below.remove();
  }
  const sums = [...rows.children].filter((one) => one.dataset.childrenOf);
  for (const fetched of [...rows.children]) {
    const { id, revision } = fetched.dataset;
    const live = id && came.get(id);
    if (live && Number(live.dataset.revision) >= Number(revision)) fetched.replaceWith(live);
    came.delete(id);
  }
  if (isChildFirst()) row.before(rows);
  else row.after(rows);
  for (const sum of sums) htmx.process(sum);
  for (const live of came.values()) {
    const before = insertionPoint(live.dataset);
    if (before !== undefined) rowsBody().insertBefore(live, before);
  }
}
