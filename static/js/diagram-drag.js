// Dragging the innermost token onto a block sets the next block, after a look at what that does.

import { canvasOf, drawingOf, swallowClick } from "./diagram.js";
import { open } from "./diagram-blocks.js";
import { blockOf } from "./diagram-navigation.js";

const FAR = 5; // pixels that make a drag of a click

function under(event, token) {
  const found = document.elementsFromPoint(event.clientX, event.clientY);
  return blockOf(found.find((one) => !token.contains(one) && blockOf(one)));
}

document.addEventListener("pointerdown", (event) => {
  const token = event.target.closest?.("[data-token]:not(.outer)");
  const canvas = canvasOf(token);
  if (!canvas?.dataset.setNext || event.button) return;
  const start = { x: event.clientX, y: event.clientY };
  const home = token.getAttribute("transform");
  const scale = drawingOf(canvas).getScreenCTM().a;
  let over = null;
  let moving = false;
  const move = (moved) => {
    const [dx, dy] = [moved.clientX - start.x, moved.clientY - start.y];
    if (!moving && Math.hypot(dx, dy) < FAR) return;
    moving = true;
    token.classList.add("dragging");
    token.setAttribute("transform", `${home} translate(${dx / scale} ${dy / scale})`);
    const now = under(moved, token);
    if (now !== over) {
      over?.classList.remove("drop-target");
      now?.classList.add("drop-target");
      over = now;
    }
  };
  const end = (ended) => {
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", end);
    removeEventListener("pointercancel", end);
    removeEventListener("keydown", onEscape, true);
    over?.classList.remove("drop-target");
    token.classList.remove("dragging");
    token.setAttribute("transform", home);
    if (!moving) return;
    swallowClick();
    setTimeout(() => {
      if (!over || ended.type !== "pointerup") return;
      const id = document.querySelector('#debug [name="id"]').value;
      const block = encodeURIComponent(over.dataset.block);
      open(over, `${canvas.dataset.setNext}?id=${id}&block=${block}`);
    });
  };
  const onEscape = (pressed) => pressed.key === "Escape" && end(pressed);
  addEventListener("pointermove", move);
  addEventListener("pointerup", end);
  addEventListener("pointercancel", end);
  addEventListener("keydown", onEscape, true);
});
document.addEventListener("dragstart", (event) => event.target.closest?.("[data-token]") && event.preventDefault());
