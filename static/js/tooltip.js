// A small panel that says in full what is cut off, beside it.

const GAP = 4;

let tip = null;

export const isTipShown = () => tip?.hidden === false;

export function hideTip() {
  if (tip) tip.hidden = true;
}

/** Say `text` beside an element. */
export function showTip(element, text) {
  if (!tip?.isConnected) {
    tip = document.createElement("div");
    tip.className = "tooltip";
    tip.ariaHidden = "true"; // who hears the page has heard all of it
    document.body.append(tip);
  }
  tip.textContent = text;
  tip.hidden = false;
  const place = element.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const below = place.bottom + GAP + height < innerHeight;
  tip.style.left = `${Math.max(GAP, Math.min(place.left, innerWidth - width - GAP))}px`;
  tip.style.top = `${below ? place.bottom + GAP : Math.max(GAP, place.top - GAP - height)}px`;
}

document.addEventListener("focusout", hideTip);
document.addEventListener("scroll", hideTip, true);
