// Selecting rows by pointer and keyboard, and the buttons that act on what is selected.

import { isTyping } from "./shell.js";
import { all as rows, body, descendants, isExpanded, levelOf, rowOf } from "./rows.js";

let anchor = null; // where a range begins: the id of a row
let current = null; // the row that the keyboard is on: its id

export const selected = () => rows().filter((row) => row.getAttribute("aria-selected") === "true");

function mark(row, on) {
  row.setAttribute("aria-selected", String(on));
  row.querySelector("input[name=id]").checked = on;
}

function selectOnly(chosen) {
  for (const row of rows()) mark(row, chosen.includes(row));
}

function selectRange(to) {
  const all = rows();
  const from = (anchor && rowOf(anchor)) || to;
  const [first, last] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  selectOnly(all.slice(first, last + 1));
}

// The buttons ----------------------------------------------------------------------------------

function reason(applies, chosen) {
  if (!chosen.length) return "Select executions first";
  const wanted = applies.length > 2 ? `${applies.slice(0, -1).join(", ")} or ${applies.at(-1)}` : applies.join(" or ");
  return `None of the selected executions is ${wanted}`;
}

/** Show what is selected, and which commands apply to it, with the reason when one doesn't. */
export function refreshActions() {
  const chosen = selected();
  document.querySelector("[data-selected]").hidden = chosen.length === 0;
  document.querySelector("[data-selected-count]").textContent = `${chosen.length} selected`;
  const every = document.querySelector("[data-select-all]");
  every.checked = chosen.length > 0 && chosen.length === rows().length;
  every.indeterminate = chosen.length > 0 && !every.checked;
  for (const button of document.querySelectorAll("[data-command]")) {
    const applies = button.dataset.applies.split(" ");
    const count = chosen.filter((row) => applies.includes(row.dataset.status)).length;
    if (count) button.removeAttribute("aria-disabled");
    else button.setAttribute("aria-disabled", "true");
    button.title = count ? "" : reason(applies, chosen);
    button.querySelector("[data-part]").textContent =
      count && count < chosen.length ? `${count} of ${chosen.length}` : "";
  }
}

/** Before a command goes out: Stop is confirmed with its number, on a stale page all are. */
export function confirmCommand(event) {
  const button = event.detail.elt;
  const command = button.dataset?.command;
  const stale = document.body.classList.contains("stale-page");
  if (!command || (command !== "stop" && !stale)) return;
  event.preventDefault();
  const applies = button.dataset.applies.split(" ");
  const count = selected().filter((row) => applies.includes(row.dataset.status)).length;
  const word = command[0].toUpperCase() + command.slice(1);
  const what = `${count} execution${count === 1 ? "" : "s"}`;
  const dialog = document.getElementById("confirm");
  dialog.querySelector("h2").textContent = `${word} ${what}?`;
  dialog.querySelector("[data-confirm-detail]").textContent = stale
    ? "This page is stale: they may have moved on since."
    : "What has been stopped cannot be continued.";
  dialog.querySelector("[data-confirm-yes]").textContent = `${word} ${what}`;
  dialog.returnValue = "";
  dialog.addEventListener("close", () => dialog.returnValue === "yes" && event.detail.issueRequest(true), {
    once: true,
  });
  dialog.showModal();
}

// Pointer --------------------------------------------------------------------------------------

function clicked(event) {
  const button = event.target.closest("[aria-disabled=true]");
  if (button) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  if (event.target.closest("[data-select-none]")) selectOnly([]);
  if (event.target.matches("[data-select-all]")) selectOnly(event.target.checked ? rows() : []);
  const row = event.target.closest("#rows > [data-id]");
  if (row) clickedRow(row, event);
  refreshActions();
}

function clickedRow(row, event) {
  const box = event.target.closest("input[name=id]");
  if (event.target.closest("a, button") || (!box && String(getSelection()))) return;
  if (event.shiftKey) {
    selectRange(row);
    getSelection().removeAllRanges();
  } else {
    if (box) mark(row, box.checked);
    else if (event.ctrlKey || event.metaKey) mark(row, row.getAttribute("aria-selected") !== "true");
    else selectOnly([row]);
    anchor = row.dataset.id;
  }
  setCurrent(row);
}

// Keyboard -------------------------------------------------------------------------------------

/** One row is the grid's tab stop. */
export function setCurrent(row = null) {
  current = row?.dataset.id ?? current;
  const stop = (current && rowOf(current)) || rows()[0];
  for (const other of body().querySelectorAll('tr[tabindex="0"]')) {
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

const parentOf = (row) => rows().slice(0, rows().indexOf(row)).findLast((above) => levelOf(above) < levelOf(row));

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

const onRow = {
  Enter: (row) => row.querySelector("[data-open]").click(),
  " ": (row) => mark(row, row.getAttribute("aria-selected") !== "true"),
  ArrowRight: (row) => {
    if (!row.hasAttribute("aria-expanded")) return;
    if (isExpanded(row)) focus(descendants(row)[0]);
    else row.querySelector("[data-toggle]").click();
  },
  ArrowLeft: (row) => {
    if (isExpanded(row)) row.querySelector("[data-toggle]").click();
    else focus(parentOf(row));
  },
  Home: () => focus(rows()[0]),
  End: () => focus(rows().at(-1)),
};
onRow.x = onRow[" "];

function pressed(event) {
  const row = document.activeElement?.closest("#rows > [data-id]");
  if ((event.ctrlKey || event.metaKey) && event.key === "a" && row) {
    event.preventDefault();
    selectOnly(rows());
    refreshActions();
    return;
  }
  if (isTyping(event)) return;
  const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  const isArrow = event.key.startsWith("Arrow");
  if (by && (row || !isArrow)) {
    step(row ?? (current && rowOf(current)), by, event.shiftKey && isArrow);
  } else if (event.key === "Escape" && selected().length) {
    selectOnly([]);
  } else if (row && row === document.activeElement && onRow[event.key]) {
    onRow[event.key](row);
    if (event.key === " " || event.key === "x") anchor = row.dataset.id;
  } else {
    return;
  }
  event.preventDefault();
  refreshActions();
}

export function startSelection() {
  // Captured, so that a button that does not apply never reaches htmx.
  document.addEventListener("click", clicked, true);
  document.addEventListener("dblclick", (event) => {
    if (event.target.closest("a, button, input")) return;
    event.target.closest("#rows > [data-id]")?.querySelector("[data-open]").click();
  });
  document.addEventListener("keydown", pressed);
  document.body.addEventListener("focusin", (event) => {
    const row = event.target.closest("#rows > [data-id]");
    if (row) setCurrent(row);
  });
  document.body.addEventListener("htmx:confirm", confirmCommand);
}
