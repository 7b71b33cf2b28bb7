// Blocks on the diagram of an execution: a click or Enter opens their menu, `b` or a click above them
// sets and removes a breakpoint. diagram-navigation.js moves between them.

import { canvasOf } from "./diagram.js";
import { blockOf, focusable, shapeOf } from "./diagram-navigation.js";
import { isTyping } from "./shell.js";

const menu = () => document.getElementById("block-menu");

document.addEventListener("keydown", (event) => {
  const block = blockOf(event.target);
  if (!block || isTyping(event)) return;
  if ((event.key === "Enter" || event.key === " ") && event.target === block) {
    event.preventDefault();
    open(block);
  } else if (event.key === "b") {
    toggle(block);
  }
});

// Breakpoints ----------------------------------------------------------------------------------

function toggle(block) {
  const { breakpoint } = canvasOf(block).dataset;
  const id = document.querySelector('#debug [name="id"]').value;
  htmx.ajax("POST", breakpoint, {
    source: document.getElementById("debug"),
    values: { id, block: block.dataset.block, action: "toggle", condition: "", hits: "", keep: "" },
    target: "#notices",
    swap: "beforeend",
  });
}

// The menu -------------------------------------------------------------------------------------

let beside = null; // the block whose menu it is

/** Open the menu beside a block, with what an address answers.
    @param {any} block @param {?string} address */
export function open(block, address = null) {
  const canvas = canvasOf(block);
  const step = new URLSearchParams(location.search).get("step") ?? "";
  const url = address ?? `${canvas.dataset.menu}?block=${encodeURIComponent(block.dataset.block)}&step=${step}`;
  beside = block;
  htmx.ajax("GET", url, { target: "#block-menu", swap: "innerHTML" });
}

// When it has been fetched, and again when the look ahead has taken its place.
menu()?.addEventListener("htmx:afterSettle", () => {
  const panel = menu();
  if (!panel.matches(":popover-open")) panel.showPopover();
  const box = shapeOf(beside).getBoundingClientRect();
  const [width, height] = [panel.offsetWidth, panel.offsetHeight];
  const right = box.right + 28;
  const left = right + width < innerWidth - 8 ? right : box.left - width - 28;
  panel.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  panel.style.top = `${Math.max(8, Math.min(box.top - 20, innerHeight - height - 8))}px`;
  panel.querySelector(".btn.primary, .button-row .btn:not(:disabled), .btn")?.focus();
});

document.addEventListener("click", (event) => {
  const block = blockOf(event.target);
  if (!block) return;
  if (event.target.closest("[data-gutter]")) toggle(block);
  else if (!event.target.closest("a")) open(block);
});

document.addEventListener("contextmenu", (event) => {
  const block = blockOf(event.target);
  if (!block || !menu()) return;
  event.preventDefault();
  open(block);
});

document.body.addEventListener("command-done", () => menu()?.matches(":popover-open") && menu().hidePopover());
menu()?.addEventListener("toggle", (event) => {
  if (event.newState === "closed" && menu().contains(document.activeElement)) focusable(beside).focus();
  if (event.newState === "closed") menu().replaceChildren();
});
