// Walking the blocks of a diagram by keyboard: arrows lead along the connections, else to what is
// closest. One block at a time is reached by Tab.

import { canvasOf, scrollToShape } from "./diagram.js";
import { isTyping } from "./shell.js";

export const blockOf = (node) => node?.closest?.("svg[data-workspace] g.block");
/** What of a block takes the focus: itself, or the link that opens its workspace. */
export const focusable = (block) => (block.hasAttribute("tabindex") ? block : block.querySelector("a"));
export const shapeOf = (block) => block.querySelector('[class^="k-"]');

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
  const wires = [...svg.querySelectorAll("path.wire")].map((wire) => {
    const [source, port] = wire.dataset.wire.split(" ");
    return { source, port, target: wire.dataset.to };
  });
  const here = block.dataset.block;
  const named = (name) => svg.querySelector(`g.block[data-block="${CSS.escape(name)}"]`);
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
  for (const other of svg.querySelectorAll("g.block")) {
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
  scrollToShape(canvasOf(svg), shapeOf(block));
}

document.addEventListener("keydown", (event) => {
  const block = blockOf(event.target);
  if (!block || isTyping(event) || !event.key.startsWith("Arrow")) return;
  event.preventDefault();
  event.stopPropagation();
  const svg = block.closest("svg");
  const there = next(svg, block, event.key);
  if (there) focus(svg, there);
});
