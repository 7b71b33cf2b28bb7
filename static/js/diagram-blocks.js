// Blocks on the diagram of an execution: arrows walk them along their connections, a click or Enter
// opens their menu, `b` or a click above them sets and removes a breakpoint.

import { canvasOf, show } from "./diagram.js";
import { isTyping } from "./shell.js";

const menu = () => document.getElementById("block-menu");
export const blockOf = (node) => node?.closest?.("svg[data-workspace] g.b");
/** What of a block takes the focus: itself, or the link that opens its workspace. */
const focusable = (block) => (block.hasAttribute("tabindex") ? block : block.querySelector("a"));
const shapeOf = (block) => block.querySelector('[class^="k-"]');

// Walking --------------------------------------------------------------------------------------

/** The ports that lead each way; a process is an activity turned. */
const AHEAD = {
  activity: { ArrowDown: ["bottom"], ArrowRight: ["right", "exception"] },
  process: { ArrowRight: ["bottom"], ArrowDown: ["right", "exception"] },
};
const BACK = {
  activity: { ArrowUp: ["bottom"], ArrowLeft: ["right", "exception"] },
  process: { ArrowLeft: ["bottom"], ArrowUp: ["right", "exception"] },
};

/** The block that an arrow key leads to from another: along a connection, else what is closest. */
function next(svg, block, key) {
  const wires = [...svg.querySelectorAll("path.w")].map((wire) => {
    const [source, port] = wire.dataset.wire.split(" ");
    return { source, port, target: wire.dataset.to };
  });
  const here = block.dataset.block;
  const named = (name) => svg.querySelector(`g.b[data-block="${CSS.escape(name)}"]`);
  const kind = svg.dataset.kind;
  for (const port of AHEAD[kind][key] ?? []) {
    const wire = wires.find((one) => one.source === here && one.port === port);
    if (wire) return named(wire.target);
  }
  for (const port of BACK[kind][key] ?? []) {
    const wire = wires.find((one) => one.target === here && one.port === port);
    if (wire) return named(wire.source);
  }
  return closest(svg, block, key);
}

function closest(svg, block, key) {
  const centre = (one) => {
    const box = shapeOf(one).getBBox();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const [x, y] = centre(block);
  let found = null;
  let least = Infinity;
  for (const other of svg.querySelectorAll("g.b")) {
    const [dx, dy] = [centre(other)[0] - x, centre(other)[1] - y];
    const [along, aside] = {
      ArrowDown: [dy, dx],
      ArrowUp: [-dy, dx],
      ArrowRight: [dx, dy],
      ArrowLeft: [-dx, dy],
    }[key];
    const price = along + 2 * Math.abs(aside);
    if (along > 4 && price < least) [found, least] = [other, price];
  }
  return found;
}

function focus(svg, block) {
  for (const other of svg.querySelectorAll('[tabindex="0"]')) other.setAttribute("tabindex", "-1");
  const target = focusable(block);
  target.setAttribute("tabindex", "0");
  target.focus({ preventScroll: true });
  show(canvasOf(svg), shapeOf(block));
}

document.addEventListener("keydown", (event) => {
  const block = blockOf(event.target);
  if (!block || isTyping(event)) return;
  const svg = block.closest("svg");
  if (event.key.startsWith("Arrow")) {
    event.preventDefault();
    event.stopPropagation();
    const there = next(svg, block, event.key);
    if (there) focus(svg, there);
  } else if ((event.key === "Enter" || event.key === " ") && event.target === block) {
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
  window.htmx.ajax("POST", breakpoint, {
    source: document.getElementById("debug"),
    values: { id, block: block.dataset.block, action: "toggle", condition: "", hits: "", keep: "" },
    target: "#notices",
    swap: "beforeend",
  });
}

// The menu -------------------------------------------------------------------------------------

let beside = null; // the block whose menu it is

/** Open the menu beside a block, with what an address answers. */
export function open(block, address = null) {
  const canvas = canvasOf(block);
  const url = address ?? `${canvas.dataset.menu}?block=${encodeURIComponent(block.dataset.block)}`;
  beside = block;
  window.htmx.ajax("GET", url, { target: "#block-menu", swap: "innerHTML" });
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
  panel.querySelector(".btn.p, .acts .btn:not(:disabled), .btn")?.focus();
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
