// What is cut off for want of room says itself in full: to who points at it by its title, to who
// comes to it by keyboard or touches it beside it.

import { hideTip, showTip } from "./tooltip.js";

const ourTitles = new WeakMap(); // the titles that are from here, and what they were before

const textOf = (element) => element.textContent.replace(/\s+/g, " ").trim();

/** What is cut off, of an element and those around it; null for none. */
function clippedAround(element) {
  for (let one = element; one instanceof HTMLElement && one !== document.body; one = one.parentElement) {
    if (one.scrollWidth <= one.clientWidth || !one.clientWidth) continue;
    const { overflowX, textOverflow } = getComputedStyle(one);
    if (overflowX === "hidden" && textOverflow === "ellipsis") return one;
    if (overflowX !== "visible") return null; // it scrolls
  }
  return null;
}

document.addEventListener("pointerover", ({ target }) => {
  const clipped = clippedAround(target);
  if (!clipped) return;
  const text = textOf(clipped);
  const own = ourTitles.get(clipped)?.title === clipped.title ? ourTitles.get(clipped).own : clipped.title;
  const title = own.replace(/\s+/g, " ").includes(text) ? own : `${text}\n${own}`.trim();
  clipped.title = title;
  ourTitles.set(clipped, { own, title });
});

document.addEventListener("focusin", ({ target }) => {
  if (!target.matches?.("a, button, summary") || !target.matches(":focus-visible")) return;
  const clipped = clippedAround(target) ?? clippedAround(target.querySelector(".ellipsis"));
  if (clipped) showTip(target, textOf(clipped));
});

document.addEventListener("click", (event) => {
  const clipped = event.pointerType === "touch" ? clippedAround(event.target) : null;
  // A link leads to where it is said in full.
  if (clipped && !event.target.closest("a, button, summary, label, input")) showTip(clipped, textOf(clipped));
  else hideTip();
});
