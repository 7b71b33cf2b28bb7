// The map of a diagram that does not fit into its canvas: the whole in small, and what is in view.

const WIDEST = 160; // pixels
const HIGHEST = 240;
const THINNEST = 40;
const mapOf = (canvas) => canvas?.querySelector("svg[data-minimap]");
const watched = new WeakSet();

/** Show the map where the drawing is larger than its view, and on it what is in view. */
export function showMap(canvas) {
  const map = mapOf(canvas);
  const view = canvas.querySelector(".view");
  if (!map || !view) return;
  if (!watched.has(view)) {
    watched.add(view);
    view.addEventListener("scroll", () => draw(canvas), { passive: true });
    new ResizeObserver(() => showMap(canvas)).observe(view);
  }
  const larger = view.scrollWidth > view.clientWidth + 8 || view.scrollHeight > view.clientHeight + 8;
  map.parentElement.hidden = !larger;
  if (!larger) return;
  size(map, canvas);
  draw(canvas);
}

/** As large as the drawing's proportions allow; a very long one is drawn wider than it is. */
function size(map, canvas) {
  const [, , width, height] = map.getAttribute("viewBox").split(" ").map(Number);
  const scale = Math.min(WIDEST / width, Math.min(HIGHEST, canvas.clientHeight / 2) / height);
  map.style.width = `${Math.max(THINNEST, width * scale)}px`;
  map.style.height = `${Math.max(THINNEST, height * scale)}px`;
}

let due = 0;
function draw(canvas) {
  cancelAnimationFrame(due);
  due = requestAnimationFrame(() => {
    const map = mapOf(canvas);
    const svg = canvas.querySelector("svg[data-workspace]");
    if (!map || !svg || map.parentElement.hidden) return;
    const view = canvas.querySelector(".view").getBoundingClientRect();
    const drawn = svg.getBoundingClientRect();
    const [x, y, width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const scale = width / drawn.width;
    const seen = map.querySelector("[data-minimap-view]");
    // What is beside the drawing is not on its map.
    const within = (at, least, size) => Math.min(Math.max(at, least), least + size);
    const left = within(x + (view.left - drawn.left) * scale, x, width);
    const top = within(y + (view.top - drawn.top) * scale, y, height);
    seen.setAttribute("x", left);
    seen.setAttribute("y", top);
    seen.setAttribute("width", within(x + (view.right - drawn.left) * scale, x, width) - left);
    seen.setAttribute("height", within(y + (view.bottom - drawn.top) * scale, y, height) - top);
  });
}

function centre(map, event) {
  const canvas = map.closest("[data-canvas]");
  const view = canvas.querySelector(".view");
  const svg = canvas.querySelector("svg[data-workspace]");
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
  const there = point.matrixTransform(svg.getScreenCTM());
  const box = view.getBoundingClientRect();
  view.scrollBy(there.x - box.left - box.width / 2, there.y - box.top - box.height / 2);
  canvas.dispatchEvent(new CustomEvent("diagram:panned", { bubbles: true }));
}

document.addEventListener("pointerdown", (event) => {
  const map = event.target.closest?.("svg[data-minimap]");
  if (!map || event.button) return;
  event.preventDefault();
  centre(map, event);
  const move = (moved) => centre(map, moved);
  const end = () => removeEventListener("pointermove", move);
  addEventListener("pointermove", move);
  addEventListener("pointerup", end, { once: true });
  addEventListener("pointercancel", end, { once: true });
});
