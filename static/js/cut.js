// What is cut off for want of room says itself in full: to who points at it by its title, to who
// comes to it by keyboard or touches it beside it.

import { hideTip, showTip } from "./tip.js";

const given = new WeakMap(); // the titles that are from here, and what they were before

const textOf = (element) => element.textContent.replace(/\s+/g, " ").trim();

/** What is cut off, of an element and those around it; null for none. */
function cutAround(element) {
  for (let one = element; one instanceof HTMLElement && one !== document.body; one = one.parentElement) {
    if (one.scrollWidth <= one.clientWidth || !one.clientWidth) continue;
    const { overflowX, textOverflow } = getComputedStyle(one);
    if (overflowX === "hidden" && textOverflow === "ellipsis") return one;
    if (overflowX !== "visible") return null; // it scrolls
  }
  return null;
}

document.addEventListener("pointerover", ({ target }) => {
  const cut = cutAround(target);
  if (!cut) return;
  const text = textOf(cut);
  const own = given.get(cut)?.title === cut.title ? given.get(cut).own : cut.title;
  const title = own.replace(/\s+/g, " ").includes(text) ? own : `${text}\n${own}`.trim();
  cut.title = title;
  given.set(cut, { own, title });
});

document.addEventListener("focusin", ({ target }) => {
  if (!target.matches?.("a, button, summary") || !target.matches(":focus-visible")) return;
  const cut = cutAround(target) ?? cutAround(target.querySelector(".el"));
  if (cut) showTip(target, textOf(cut));
});

document.addEventListener("click", (event) => {
  const cut = event.pointerType === "touch" ? cutAround(event.target) : null;
  // A link leads to where it is said in full.
  if (cut && !event.target.closest("a, button, summary, label, input")) showTip(cut, textOf(cut));
  else hideTip();
});
