// The buttons that act on what is selected: when they apply, and why not; what is asked before a
// command goes out; and what goes with it.

import { preview } from "./bulk.js";
import { ask } from "./confirm.js";
import { foldOverflow } from "./toolbar-overflow.js";
import { allRows } from "./rows.js";
import { isMatching, selected, selectMatching } from "./selection.js";
import { executionAddress, notify } from "./shell.js";
import { isWatched } from "./watches.js";

let busy = false; // a command is under way

const bar = () => document.querySelector(".actions");
const countText = (count) => `${count} execution${count === 1 ? "" : "s"}`;

function enable(button, why) {
  if (why) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
  button.title = why;
}

// When buttons apply ---------------------------------------------------------------------------

/** Whether a row failed although its status is Ended: nothing handled an exception. */
const isUnhandled = (row) => "unhandled" in row.dataset;

function whyNot(button, rows) {
  if (!rows.length) return "Select executions first";
  const { applies: statuses, appliesUnhandled } = button.dataset;
  const applies = [...statuses.split(" "), ...(appliesUnhandled ? [appliesUnhandled] : [])];
  const wanted = applies.length > 2 ? `${applies.slice(0, -1).join(", ")} or ${applies.at(-1)}` : applies.join(" or ");
  return `None of the selected executions is ${wanted}`;
}

const countApplicable = (button, rows) => {
  const applies = button.dataset.applies.split(" ");
  const alsoUnhandled = "appliesUnhandled" in button.dataset;
  return rows.filter((row) => applies.includes(row.dataset.status) || (alsoUnhandled && isUnhandled(row))).length;
};

function refreshCommand(button, rows) {
  const part = button.querySelector("[data-applicable-count]");
  if (isMatching()) {
    const isForMany = "all" in button.dataset;
    enable(button, isForMany ? "" : `${button.dataset.label} takes executions that are selected one by one`);
    if (isForMany) button.title = "Shows first what this would do to all that match";
    part.textContent = "";
    return;
  }
  const count = countApplicable(button, rows);
  enable(button, busy ? "A command is under way" : count ? "" : whyNot(button, rows));
  part.textContent = count && count < rows.length ? `${count} of ${rows.length}` : "";
  if (count && count < rows.length) button.title = `The other ${rows.length - count} are left out`;
}

/** Leads to a page that shows what it comes to, for each. */
function refreshSetNext(rows) {
  const button = bar().querySelector("[data-set-next]");
  if (!button) return; // who may not debug has none
  const count = countApplicable(button, rows);
  const flows = new Set(rows.map((row) => row.dataset.flow)).size;
  let why = "";
  if (isMatching()) why = "The next block is set for executions that are selected one by one";
  else if (!count) why = whyNot(button, rows);
  else if (flows > 1) why = `Select executions of one flow: these are of ${flows}`;
  enable(button, why);
  if (!why) button.title = "Set next block: choose it, and see what it comes to";
  button.querySelector("[data-applicable-count]").textContent =
    !isMatching() && count && count < rows.length ? `${count} of ${rows.length}` : "";
}

function refreshWatch(rows) {
  const button = bar().querySelector("[data-watch]");
  const live = rows.filter((row) => !["Stopped", "Ended", "Error"].includes(row.dataset.status));
  const all = live.length > 0 && live.every((row) => isWatched(row.dataset.id));
  const off = all || (!live.length && rows.some((row) => isWatched(row.dataset.id)));
  button.value = off ? "0" : "1";
  button.querySelector("[data-watch-word]").textContent = off ? "Unwatch" : "Watch";
  button.querySelector("[data-applicable-count]").textContent =
    live.length && live.length < rows.length ? `${live.length} of ${rows.length}` : "";
  let why = "";
  if (isMatching()) why = "Watching takes executions that are selected one by one";
  else if (!rows.length) why = "Select executions first; you are told when they end";
  else if (!live.length && !off) why = "The selected executions have ended";
  enable(button, why);
  if (!why && !off) button.title = "Notify me when it ends or waits for a person";
}

function refreshLinks(rows) {
  const goto = bar().querySelector("[data-goto]");
  const [one] = rows;
  const single = rows.length === 1 && !isMatching();
  enable(goto, single ? "" : "Select one execution");
  if (single) goto.href = executionAddress(one.dataset.id);
  else goto.removeAttribute("href");
  const compare = bar().querySelector("[data-compare]");
  if (!compare) return;
  const two = rows.length === 2 && !isMatching();
  enable(compare, two ? "" : "Select two executions");
  if (two) compare.href = `${compare.dataset.compare}?a=${rows[1].dataset.id}&b=${one.dataset.id}`;
  else compare.removeAttribute("href");
}

/** How many match, as the chips tell it. */
function matchingCount() {
  const chips = [...document.querySelectorAll(".chips [aria-pressed=true] [data-count]")];
  const texts = chips.map((chip) => chip.textContent.trim());
  if (texts.length === 1) return texts[0];
  const sum = texts.reduce((total, text) => total + Number(text.replace(/\D/g, "")), 0);
  return sum.toLocaleString("en") + (texts.some((text) => text.endsWith("+")) ? "+" : "");
}

/** Show what is selected, and which commands apply to it, with the reason when one doesn't. */
export function refreshCommands() {
  const rows = selected();
  const total = allRows().length;
  const every = document.querySelector("[data-select-all]");
  every.checked = rows.length > 0 && rows.length === total;
  every.indeterminate = rows.length > 0 && !every.checked;
  bar().querySelector("[data-selected]").hidden = rows.length === 0;
  bar().querySelector("[data-selected-count]").textContent = isMatching()
    ? `All ${matchingCount()} that match`
    : `${rows.length} selected`;
  const offer = bar().querySelector("[data-select-match]");
  offer.hidden = !every.checked || isMatching();
  for (const button of bar().querySelectorAll("[data-command]")) refreshCommand(button, rows);
  for (const what of bar().querySelectorAll("[data-export-what]")) {
    what.textContent = rows.length && !isMatching() ? countText(rows.length) : "all that match";
  }
  enable(
    bar().querySelector("[data-copy-ids]"),
    isMatching() ? "Export all that match instead" : rows.length ? "" : "Select executions first",
  );
  refreshSetNext(rows);
  refreshWatch(rows);
  refreshLinks(rows);
}

// What goes out --------------------------------------------------------------------------------

/** Confirm a command before it goes out, with the number of executions: a dangerous one always, one
    with a warning when it is for several, and any one on a stale page. */
async function confirmCommand(event) {
  const { elt: button, issueRequest } = event.detail;
  const { command, label, warning, dangerous } = button.dataset ?? {};
  if (!command || event.defaultPrevented) return;
  const stale = document.body.classList.contains("stale-page");
  const count = countApplicable(button, selected());
  const isDangerous = dangerous !== undefined;
  if (!isDangerous && !(warning && count > 1) && !stale) return;
  event.preventDefault();
  const yes = await ask({
    question: `${label} ${countText(count)}?`,
    detail: stale ? "This page is stale: they may have moved on since." : (warning ?? ""),
    yes: `${label} ${countText(count)}`,
    dangerous: isDangerous,
  });
  if (yes) issueRequest(true);
}

/** What is selected, with the statuses that the reader saw. */
const selection = () => selected().map((row) => `${row.dataset.id}:${row.dataset.status}`).join(" ");

/** One field instead of one for each row. */
function addSelection(data) {
  data.delete("id");
  if (!isMatching()) data.set("selection", selection());
}

async function copyIds() {
  const rows = selected();
  const text = rows.map((row) => row.dataset.id).join("\n");
  try {
    await navigator.clipboard.writeText(text);
    notify(`Copied ${rows.length === 1 ? "1 id" : `${rows.length} ids`}.`, { passing: true });
  } catch {
    // Without a secure address browsers give no clipboard.
    notify(`The browser does not let this page copy. The ids: ${text.replaceAll("\n", " ")}`);
  }
}

function onClick(event) {
  const button = event.target.closest?.(".actions button, .actions a");
  if (!button) return;
  if (button.getAttribute("aria-disabled") === "true") {
    event.preventDefault();
    event.stopPropagation();
  } else if (button.dataset.command && isMatching()) {
    event.preventDefault();
    event.stopPropagation();
    preview(button.dataset.all);
  } else if (button.matches("[data-select-match]")) {
    selectMatching();
    refreshCommands();
    bar().querySelector("[data-select-none]").focus();
  } else if (button.matches("[data-copy-ids]")) {
    copyIds();
  }
  if (button.closest("#more")) document.getElementById("more").hidePopover();
}

function setBusy(event, now) {
  if (!event.detail.elt.dataset?.command) return;
  busy = now;
  refreshCommands();
}

export function startCommands() {
  // Captured, so that a button that does not apply never reaches htmx.
  document.addEventListener("click", onClick, true);
  document.addEventListener("formdata", (event) => event.target.id === "commands" && addSelection(event.formData));
  document.body.addEventListener("htmx:confirm", confirmCommand);
  document.body.addEventListener("htmx:configRequest", ({ detail }) => {
    // Links in the form only lead to other pages.
    if (detail.verb === "post" && detail.elt.closest("#commands")) addSelection(detail.formData);
  });
  document.body.addEventListener("htmx:beforeRequest", (event) => setBusy(event, true));
  document.body.addEventListener("htmx:afterRequest", (event) => setBusy(event, false));
  document.body.addEventListener("watches:changed", refreshCommands);
  document.body.addEventListener("htmx:afterSettle", () => foldOverflow(bar()));
  foldOverflow(bar());
}
