// What an execution does to its diagram: tokens travel along the connections that they took, and
// what was visited is marked on the drawing, which is itself never sent again.

import { drawingOf } from "./diagram.js";

const TRAVEL = 240; // milliseconds
const HURRY = 120; // a token that makes its steps faster than that jumps
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Where the tokens of a canvas stand: level → {x, y, block}. */
export function tokenPlaces(canvas) {
  const overlay = canvas?.querySelector("svg[data-overlay]");
  const places = new Map();
  for (const token of overlay?.querySelectorAll("[data-token]") ?? []) {
    const { x, y, block } = token.dataset;
    places.set(token.dataset.token, { x: Number(x), y: Number(y), block });
  }
  return { workspace: overlay?.dataset.overlay, places };
}

const wireOf = (canvas, name) =>
  drawingOf(canvas)?.querySelector(`path.wire[data-wire="${CSS.escape(name)}"]`);

/** The wires that lead from one block to another in the order of the newest steps, or []. */
function way(canvas, from, to, trail) {
  const steps = trail.split(",").filter((step) => wireOf(canvas, step));
  for (let start = steps.length - 1; start >= 0; start -= 1) {
    if (!steps[start].startsWith(`${from} `)) continue;
    const wires = steps.slice(start).map((step) => wireOf(canvas, step));
    const joined = wires.every(
      (wire, at) => at + 1 === wires.length || steps[start + at + 1].startsWith(`${wire.dataset.to} `),
    );
    if (joined && wires.at(-1).dataset.to === to) return wires;
  }
  return [];
}

function points(wires) {
  const found = [];
  const total = wires.reduce((sum, wire) => sum + wire.getTotalLength(), 0);
  for (const wire of wires) {
    const length = wire.getTotalLength();
    const count = Math.max(2, Math.round((24 * length) / total));
    for (let at = 0; at <= count; at += 1) found.push(wire.getPointAtLength((length * at) / count));
  }
  return found;
}

/** Let the tokens that have moved travel from where they were; `before` is from tokenPlaces. */
export function travel(canvas, before) {
  const overlay = canvas?.querySelector("svg[data-overlay]");
  if (!overlay || still.matches || overlay.dataset.overlay !== before.workspace) return;
  for (const token of overlay.querySelectorAll("[data-token]")) {
    const was = before.places.get(token.dataset.token);
    const x = Number(token.dataset.x);
    const y = Number(token.dataset.y);
    if (!was || (was.x === x && was.y === y)) continue;
    for (const running of token.getAnimations()) running.cancel();
    if (Number(token.dataset.pace) < HURRY) continue;
    const wires = way(canvas, was.block, token.dataset.block, token.dataset.trail);
    const path = [was, ...points(wires).slice(1, -1), { x, y }];
    token.animate(
      path.map((point) => ({ transform: `translate(${point.x}px, ${point.y}px)` })),
      { duration: TRAVEL, easing: "ease-out" },
    );
  }
}

/** Mark on the drawing what the marks say was visited; elements that are right are not touched. */
export function markVisited(canvas) {
  const svg = drawingOf(canvas);
  const marks = canvas?.querySelector("svg[data-marks]");
  if (!svg || !marks || marks.dataset.marks !== svg.dataset.workspace) return;
  const blocks = new Set(marks.dataset.blocks.split(","));
  const wires = new Set(marks.dataset.wires.split(","));
  const set = (element, name, on) => {
    if (element && element.classList.contains(name) !== on) element.classList.toggle(name, on);
  };
  for (const block of svg.querySelectorAll("g.block")) {
    set(block, "dim", !blocks.has(block.dataset.block));
    for (const port of block.querySelectorAll("[data-port]")) {
      set(port, "taken", wires.has(`${block.dataset.block} ${port.dataset.port}`));
    }
  }
  for (const wire of svg.querySelectorAll("path.wire")) {
    const isTaken = wires.has(wire.dataset.wire);
    set(wire, "taken", isTaken);
    set(wire.nextElementSibling, "taken", isTaken);
  }
}
