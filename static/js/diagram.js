// Diagrams: zoom, pan and fit of a [data-canvas].
// Without this script a diagram is drawn at its size and scrolls.
//
// A person who moves the view is told as "diagram:panned" on the canvas: it then stays where it is.

import { showMap } from "./diagram-map.js";
import { isTyping } from "./shell.js";

const STEPS = [0.25, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3];
const SMALLEST = 0.1;
const LARGEST = 3;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const zooms = new Map(); // workspace → factor, for as long as the page is open

export const canvasOf = (node) => node?.closest?.("[data-canvas]");
export const drawingOf = (canvas) => canvas?.querySelector("svg[data-workspace]");
export const sizeOf = (svg) => svg.getAttribute("viewBox").split(" ").map(Number);
const panned = (canvas) => canvas.dispatchEvent(new CustomEvent("diagram:panned", { bubbles: true }));

export function zoomOf(canvas) {
  return zooms.get(drawingOf(canvas)?.dataset.workspace) ?? 1;
}

/** Give the drawing and what lies over it the size of the zoom; again after each swap. */
export function applyZoom(canvas) {
  const factor = zoomOf(canvas);
  for (const svg of canvas.querySelectorAll(".sheet svg.diagram")) {
    const [, , width, height] = sizeOf(svg);
    const [wide, high] = [`${width * factor}`, `${height * factor}`];
    if (svg.getAttribute("width") !== wide) svg.setAttribute("width", wide);
    if (svg.getAttribute("height") !== high) svg.setAttribute("height", high);
  }
  const label = canvas.querySelector('[data-zoom="reset"]');
  if (label) label.textContent = `${Math.round(factor * 100)}%`;
  showMap(canvas);
}

function zoomTo(canvas, factor, at) {
  const view = canvas.querySelector(".view");
  const svg = drawingOf(canvas);
  if (!svg) return;
  const before = zoomOf(canvas);
  const now = Math.min(LARGEST, Math.max(SMALLEST, factor));
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
  const [, , width, height] = sizeOf(drawingOf(canvas));
  zoomTo(canvas, Math.min(view.clientWidth / width, view.clientHeight / height, 1.5));
  view.scrollTo(0, 0);
}

function zoom(canvas, how) {
  const now = zoomOf(canvas);
  if (how === "in") zoomTo(canvas, STEPS.find((step) => step > now + 0.01) ?? LARGEST);
  if (how === "out") zoomTo(canvas, STEPS.findLast((step) => step < now - 0.01) ?? SMALLEST);
  if (how === "reset") zoomTo(canvas, 1);
  if (how === "fit") fit(canvas);
}

/** Start with what fits: a drawing that is wider than its canvas is shown whole, if still legible. */
export function showInitialZoom(canvas) {
  const svg = drawingOf(canvas);
  if (!svg) return;
  if (!zooms.has(svg.dataset.workspace)) {
    const view = canvas.querySelector(".view");
    const [, , width, height] = sizeOf(svg);
    const whole = Math.min(view.clientWidth / width, view.clientHeight / height);
    if (whole < 1 && whole >= 0.8) zooms.set(svg.dataset.workspace, whole);
  }
  applyZoom(canvas);
  scrollToToken(canvas, "auto");
}

/** Scroll to the selected token when it is out of view. */
export function scrollToToken(canvas, behavior = still.matches ? "auto" : "smooth") {
  const token = canvas.querySelector("[data-token][aria-current]") ?? canvas.querySelector("[data-token]");
  if (token) scrollToShape(canvas, token.querySelector("circle"), behavior);
}

/** Scroll to a shape when it is out of view. */
export function scrollToShape(canvas, shape, behavior = "auto") {
  const view = canvas.querySelector(".view");
  const box = view.getBoundingClientRect();
  const seen = shape.getBoundingClientRect();
  const inside =
    seen.left >= box.left && seen.right <= box.right && seen.top >= box.top && seen.bottom <= box.bottom;
  if (inside) return;
  view.scrollBy({
    left: (seen.left + seen.right) / 2 - box.left - box.width / 2,
    top: (seen.top + seen.bottom) / 2 - box.top - box.height / 2,
    behavior,
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
  const scrolls = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"];
  if (event.target.matches?.(".view") && scrolls.includes(event.key)) panned(canvas);
});

document.addEventListener(
  "wheel",
  (event) => {
    const canvas = canvasOf(event.target);
    if (!canvas) return;
    if (!event.ctrlKey) {
      panned(canvas);
      return;
    }
    event.preventDefault();
    zoomTo(canvas, zoomOf(canvas) * Math.exp(-event.deltaY / 300), { x: event.clientX, y: event.clientY });
  },
  { passive: false },
);
document.addEventListener("touchmove", ({ target }) => canvasOf(target) && panned(canvasOf(target)), {
  passive: true,
});

document.addEventListener("pointerdown", (event) => {
  const view = event.target.closest?.("[data-canvas] .view");
  if (!view || event.pointerType !== "mouse" || event.button > 1 || event.target.closest("a, [data-gutter]")) return;
  if (event.target === view && event.offsetX > view.clientWidth) return; // its scroll bar
  const start = { x: event.clientX + view.scrollLeft, y: event.clientY + view.scrollTop };
  let moving = false;
  const move = (moved) => {
    const [left, top] = [start.x - moved.clientX, start.y - moved.clientY];
    if (!moving && Math.hypot(left - view.scrollLeft, top - view.scrollTop) < 4) return;
    if (!moving) panned(canvasOf(view));
    moving = true;
    view.classList.add("grabbing");
    view.scrollTo(left, top);
  };
  const end = () => {
    view.classList.remove("grabbing");
    removeEventListener("pointermove", move);
    if (moving) swallowClick();
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", end, { once: true });
  addEventListener("pointercancel", end, { once: true });
});

/** The click that ends a drag belongs to the drag, not to what is under it. */
export function swallowClick() {
  const swallow = (click) => {
    click.preventDefault();
    click.stopPropagation();
  };
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }));
}

for (const canvas of document.querySelectorAll("[data-canvas]")) showInitialZoom(canvas);
