// How the grid is laid out, by pointer and keyboard: widths at the edges of the heads, the order of
// columns in the chooser, dense or comfortable rows. The server keeps it (executions/views/preferences.py).

const WIDTHS = { least: 40, most: 1200, step: 16 };
const section = document.getElementById("executions");
const table = () => section.querySelector("table[data-layout]");
const heads = () => [...table().querySelectorAll("th[data-column]")];
const colOf = (head) => table().querySelectorAll("col")[head.cellIndex];
const widthOf = (head) => Number(colOf(head).dataset.width);
const token = () => document.querySelector("[name=csrfmiddlewaretoken]").value;

async function post(url, fields) {
  const body = new URLSearchParams(fields);
  body.set("csrfmiddlewaretoken", token());
  body.set("next", location.pathname + location.search);
  const response = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

// Widths ---------------------------------------------------------------------------------------

function setWidth(head, width) {
  const col = colOf(head);
  const now = Math.round(Math.min(Math.max(width, WIDTHS.least), WIDTHS.most));
  table().width = Number(table().width) + now - Number(col.dataset.width);
  col.dataset.width = now;
  if (col.hasAttribute("width")) col.width = now; // the last one takes what is left
  head.querySelector(".resize-handle").ariaValueNow = now;
}

/** The width at which the longest cell of a page is whole. */
function fit(head) {
  const cells = [...table().tBodies[0].querySelectorAll(`:scope > [data-id] > :nth-child(${head.cellIndex + 1})`)];
  const range = document.createRange();
  const wide = [head.firstElementChild ?? head, ...cells].map((cell) => {
    range.selectNodeContents(cell);
    return range.getBoundingClientRect().width;
  });
  setWidth(head, Math.ceil(Math.max(...wide, 0)) + 24);
}

async function saveWidth(head) {
  const { address } = await (
    await post(document.getElementById("layout").action, { width: `${head.dataset.column}:${widthOf(head)}` })
  ).json();
  if (address === location.pathname + location.search) return;
  history.replaceState(history.state, "", address);
  const button = section.querySelector("[popovertarget=views]");
  if (button.querySelector(".tag")) return;
  const mark = document.createElement("span");
  mark.className = "tag";
  mark.textContent = "edited";
  button.lastElementChild.before(mark);
}

function drag(event) {
  const edge = event.target.closest(".resize-handle");
  if (!edge || event.button) return;
  event.preventDefault();
  const head = edge.closest("th");
  const [from, before] = [event.clientX, widthOf(head)];
  edge.setPointerCapture(event.pointerId);
  edge.dataset.dragged = "";
  edge.onpointermove = ({ clientX }) => setWidth(head, before + clientX - from);
  edge.onlostpointercapture = () => {
    edge.onpointermove = edge.onlostpointercapture = null;
    delete edge.dataset.dragged;
    if (widthOf(head) !== before) saveWidth(head);
  };
}

let waiting = 0;
function pressed(event) {
  const edge = event.target.closest?.(".resize-handle");
  if (!edge) return;
  const head = edge.closest("th");
  const by = { ArrowLeft: -WIDTHS.step, ArrowRight: WIDTHS.step }[event.key];
  const to = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (by) {
    setWidth(head, widthOf(head) + by);
    clearTimeout(waiting);
    waiting = setTimeout(() => saveWidth(head), 400);
  } else if (to) {
    focusEdge(heads()[heads().indexOf(head) + to]);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/** One of the edges is a tab stop; up and down lead to the others. */
function focusEdge(head) {
  if (!head) return;
  for (const edge of table().querySelectorAll(".resize-handle")) edge.tabIndex = -1;
  const edge = head.querySelector(".resize-handle");
  edge.tabIndex = 0;
  edge.focus();
}

function addEdges() {
  for (const [number, head] of heads().entries()) {
    if (head.querySelector(".resize-handle")) continue;
    const edge = document.createElement("span");
    edge.className = "resize-handle";
    edge.role = "separator";
    edge.tabIndex = number ? -1 : 0;
    edge.ariaOrientation = "vertical";
    edge.ariaLabel = `Width of ${head.textContent.trim()}`;
    edge.ariaValueMin = String(WIDTHS.least);
    edge.ariaValueMax = String(WIDTHS.most);
    edge.ariaValueNow = String(widthOf(head));
    edge.title = "Drag, or press ← and →, for the width; ↑ and ↓ lead to the columns beside it";
    head.append(edge);
  }
}

section.addEventListener("pointerdown", drag);
section.addEventListener("keydown", pressed);
section.addEventListener("click", (event) => event.target.closest(".resize-handle") && event.stopPropagation(), true);
section.addEventListener("dblclick", (event) => {
  const head = event.target.closest(".resize-handle")?.closest("th");
  if (!head) return;
  fit(head);
  saveWidth(head);
});
document.body.addEventListener("htmx:afterSettle", ({ detail }) => detail.target === section && addEdges());
addEdges();

// The chooser ----------------------------------------------------------------------------------

const panel = document.getElementById("columns");
let dragged = null;

panel.addEventListener("dragstart", (event) => {
  dragged = event.target.closest("li[draggable]");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.key);
});
panel.addEventListener("dragover", (event) => {
  const over = event.target.closest?.("li[draggable]");
  if (!dragged || !over) return;
  event.preventDefault();
  if (over === dragged) return;
  const box = over.getBoundingClientRect();
  over[event.clientY < box.top + box.height / 2 ? "before" : "after"](dragged);
});
panel.addEventListener("drop", (event) => event.preventDefault());
panel.addEventListener("dragend", () => {
  dragged = null;
  panel.querySelector("[data-columns]").requestSubmit();
});
// A column moves here first, so a second press before the answer moves it once more. The form then
// says the order, and the name of the button would move the column again.
panel.addEventListener("click", (event) => {
  const button = event.target.closest("[name=up], [name=down]");
  if (!button) return;
  const item = button.closest("li");
  if (button.name === "up") item.previousElementSibling?.before(item);
  else if (item.nextElementSibling?.draggable) item.nextElementSibling.after(item);
  button.focus();
});
panel.addEventListener("htmx:configRequest", ({ detail }) => {
  detail.formData.delete("up");
  detail.formData.delete("down");
});
// An answer to what the form said before its newest change would undo that change.
let changed = false;
const note = ({ type }) => {
  changed = type !== "htmx:beforeRequest";
};
for (const type of ["change", "submit", "htmx:beforeRequest"]) panel.addEventListener(type, note, true);
document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (changed && panel.contains(detail.requestConfig.elt)) detail.shouldSwap = false;
});
// What has been added is there; the field is free for another.
panel.addEventListener("htmx:afterRequest", ({ target }) => target.matches("[data-resets-form]") && target.reset());

// Density --------------------------------------------------------------------------------------

document.getElementById("density").addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter;
  const { value } = button;
  document.body.dataset.density = value;
  button.ariaPressed = String(value === "comfortable");
  button.value = value === "dense" ? "comfortable" : "dense";
  post(event.target.action, { density: value });
});
