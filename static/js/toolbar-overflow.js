// What a bar has no room for moves into its menu: measured, not guessed from the window's width, so
// that long words and marks such as "2 of 3" count. [data-overflow-order] says in which order things go, the
// lowest first, once words that [data-tight] hides are gone; [data-folded] in the menu is where to. Without scripts the bar has a second line.

const bars = new WeakMap(); // bar → what observes it

function foldables(bar) {
  bar.folds ??= [...bar.querySelectorAll("[data-overflow-order]")].map((element, place) => {
    const home = document.createComment("");
    element.before(home);
    return { element, home, place, order: Number(element.dataset.overflowOrder) };
  });
  return bar.folds;
}

const isTooLong = (bar) => bar.scrollWidth > bar.clientWidth;

function fit(bar) {
  const menu = bar.querySelector("[data-folded]");
  const focused = document.activeElement;
  const folds = foldables(bar);
  for (const { element, home } of folds) home.after(element);
  delete bar.dataset.tight;
  if (isTooLong(bar)) bar.dataset.tight = "";
  const folded = [];
  for (const fold of [...folds].sort((a, b) => a.order - b.order)) {
    if (!isTooLong(bar)) break;
    if (fold.element.hidden) continue;
    fold.element.remove();
    folded.push(fold);
  }
  menu.replaceChildren(...folded.sort((a, b) => a.place - b.place).map(({ element }) => element));
  menu.hidden = !folded.length;
  // What had the focus keeps it, or gives it to the button of the menu that it is in now.
  if (!bar.contains(focused) || focused === document.activeElement) return;
  const isHidden = menu.contains(focused) && !menu.closest("[popover]").matches(":popover-open");
  (isHidden ? bar.querySelector("[data-more]") : focused).focus();
}

/** Keep a bar fitting while its width, or what is in it, changes. */
export function foldOverflow(bar) {
  if (!bar || bars.has(bar)) return;
  const changes = new MutationObserver(refit);
  const watched = { subtree: true, childList: true, characterData: true, attributeFilter: ["hidden"] };
  function refit() {
    changes.disconnect();
    fit(bar);
    changes.observe(bar, watched);
  }
  const sizes = new ResizeObserver(refit);
  bars.set(bar, sizes);
  sizes.observe(bar);
  document.fonts?.ready.then(refit);
  refit();
}
