// Diagrams: zoom and pan of a [data-canvas], and tokens that travel along the wires.
// Without this script a diagram is drawn at its size and scrolls.

import { isTyping } from "./shell.js";

const STEPS = [0.25, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3];
const TRAVEL = 240; // milliseconds
const still = matchMedia("(prefers-reduced-motion: reduce)");
const zooms = new Map(); // workspace → factor, for as long as the page is open

const canvasOf = (node) => node?.closest?.("[data-canvas]");
const base = (canvas) => canvas.querySelector("svg[data-workspace]");

function zoomOf(canvas) {
  return zooms.get(base(canvas)?.dataset.workspace) ?? 1;
}

/** Give the drawing and what lies over it the size of the zoom; again after each swap. */
export function applyZoom(canvas) {
  const factor = zoomOf(canvas);
  for (const svg of canvas.querySelectorAll(".sheet svg.dg")) {
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    svg.setAttribute("width", width * factor);
    svg.setAttribute("height", height * factor);
  }
  const label = canvas.querySelector('[data-zoom="reset"]');
  if (label) label.textContent = `${Math.round(factor * 100)}%`;
}

function zoomTo(canvas, factor, at) {
  const view = canvas.querySelector(".view");
  const svg = base(canvas);
  if (!svg) return;
  const before = zoomOf(canvas);
  const now = Math.min(3, Math.max(0.2, factor));
  const box = view.getBoundingClientRect();
  const x = at ? at.x - box.left : view.clientWidth / 2;
  const y = at ? at.y - box.top : view.clientHeight / 2;
  const left = (view.scrollLeft + x) / before;
  const top = (view.scrollTop + y) / before;
  zooms.set(svg.dataset.workspace, now);
  applyZoom(canvas);
  view.scrollTo(left * now - x, top * now - y);
}

function fit(canvas) {
  const view = canvas.querySelector(".view");
  const [, , width, height] = base(canvas).getAttribute("viewBox").split(" ").map(Number);
  zoomTo(canvas, Math.min(view.clientWidth / width, view.clientHeight / height, 1.5));
  view.scrollTo(0, 0);
}

function zoom(canvas, how) {
  const now = zoomOf(canvas);
  if (how === "in") zoomTo(canvas, STEPS.find((step) => step > now + 0.01) ?? 3);
  if (how === "out") zoomTo(canvas, STEPS.findLast((step) => step < now - 0.01) ?? 0.2);
  if (how === "reset") zoomTo(canvas, 1);
  if (how === "fit") fit(canvas);
}

/** Start with what fits: a drawing that is wider than its canvas is shown whole, if still legible. */
export function begin(canvas) {
  const svg = canvas && base(canvas);
  if (!svg) return;
  if (!zooms.has(svg.dataset.workspace)) {
    const view = canvas.querySelector(".view");
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const whole = Math.min(view.clientWidth / width, view.clientHeight / height);
    if (whole < 1 && whole >= 0.8) zooms.set(svg.dataset.workspace, whole);
  }
  applyZoom(canvas);
  reveal(canvas);
}

/** Scroll to the innermost token when it is out of view. */
export function reveal(canvas) {
  const token = canvas.querySelector("[data-token]:not(.outer)");
  if (!token) return;
  const view = canvas.querySelector(".view");
  const box = view.getBoundingClientRect();
  const disc = token.getBoundingClientRect();
  const inside =
    disc.left >= box.left && disc.right <= box.right && disc.top >= box.top && disc.bottom <= box.bottom;
  if (inside) return;
  view.scrollBy({
    left: disc.left - box.left - box.width / 2,
    top: disc.top - box.top - box.height / 2,
    behavior: still.matches ? "auto" : "smooth",
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-zoom]");
  if (button) zoom(canvasOf(button), button.dataset.zoom);
});

document.addEventListener("keydown", (event) => {
  const canvas = document.querySelector("[data-canvas]");
  if (!canvas || isTyping(event)) return;
  const how = { "+": "in", "=": "in", "-": "out", 0: "fit" }[event.key];
  if (how) zoom(canvas, how);
});

document.addEventListener(
  "wheel",
  (event) => {
    const canvas = canvasOf(event.target);
    if (!canvas || !event.ctrlKey) return;
    event.preventDefault();
    zoomTo(canvas, zoomOf(canvas) * Math.exp(-event.deltaY / 300), { x: event.clientX, y: event.clientY });
  },
  { passive: false },
);

document.addEventListener("pointerdown", (event) => {
  const view = event.target.closest?.("[data-canvas] .view");
  if (!view || event.pointerType !== "mouse" || event.button > 1 || event.target.closest("a")) return;
  if (event.target === view && event.offsetX > view.clientWidth) return; // its scroll bar
  const start = { x: event.clientX + view.scrollLeft, y: event.clientY + view.scrollTop };
  const move = (moved) => {
    view.classList.add("grab");
    view.scrollTo(start.x - moved.clientX, start.y - moved.clientY);
  };
  const end = () => {
    view.classList.remove("grab");
    removeEventListener("pointermove", move);
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", end, { once: true });
  addEventListener("pointercancel", end, { once: true });
});

// Tokens ---------------------------------------------------------------------------------------

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
  base(canvas)?.querySelector(`path.w[data-wire="${CSS.escape(name)}"]`);

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
    const wires = way(canvas, was.block, token.dataset.block, token.dataset.trail);
    const path = [was, ...points(wires).slice(1, -1), { x, y }];
    for (const running of token.getAnimations()) running.cancel();
    token.animate(
      path.map((point) => ({ transform: `translate(${point.x}px, ${point.y}px)` })),
      { duration: TRAVEL, easing: "ease-out" },
    );
  }
}

for (const canvas of document.querySelectorAll("[data-canvas]")) begin(canvas);
