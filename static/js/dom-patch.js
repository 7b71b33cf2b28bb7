// Fits new HTML into the page: what did not change stays the same element, so that focus,
// selection, scroll positions, what is folded open and running animations survive.
//
// Children are matched by data-key or id, else by their order and tag. An element with the same
// data-since keeps its ticking text; <details> keep whether they are open.
//
// Idiomorph was tried in its place: on a list of 500 blocks it took five times as long for the usual
// change of a few rows, and it did not keep the rows that moved, since it knows no data-key.

const keyOf = (node) => (node.nodeType === 1 ? node.dataset?.key || node.id || "" : "");

const isSameElement = (a, b) =>
  a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

function patchAttributes(from, to) {
  for (const { name } of [...from.attributes]) {
    if (name === "open" && from.nodeName === "DETAILS") continue;
    if (name === "style" && from.popover) continue; // where a menu stands (popover-menus.js)
    if (!to.hasAttribute(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (name === "open" && from.nodeName === "DETAILS") continue;
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
}

/** Make `from` look like `to`; both are the same kind of element. */
export function patchElement(from, to) {
  if (from.nodeType !== 1) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (from.isEqualNode(to)) return;
  const ticking = from.dataset?.since && from.dataset.since === to.dataset?.since;
  patchAttributes(from, to);
  if (!ticking) patchChildren(from, to);
}

function patchChildren(from, to) {
  const keyed = new Map();
  for (const child of from.childNodes) {
    const key = keyOf(child);
    if (key) keyed.set(key, child);
  }
  let here = from.firstChild;
  for (const next of [...to.childNodes]) {
    const key = keyOf(next);
    let match = key ? keyed.get(key) : null;
    if (match && !isSameElement(match, next)) match = null;
    if (!match && !key) {
      if (here && isSameElement(here, next)) match = here;
    }
    if (match) {
      if (match === here) here = here.nextSibling;
      else from.insertBefore(match, here);
      patchElement(match, next);
    } else {
      from.insertBefore(document.importNode(next, true), here);
    }
  }
  while (here) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
}
