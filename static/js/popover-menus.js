// Menus that are popovers: where they stand, and what they fetch when they open. They open and
// close without this, in the middle of the window.

const NARROW = matchMedia("(max-width: 719px)"); // there a menu is a sheet at the bottom

function place(menu) {
  const button = document.querySelector(`[popovertarget="${menu.id}"]:not([popovertargetaction])`);
  if (!button || NARROW.matches) {
    menu.removeAttribute("style");
    return;
  }
  const box = button.getBoundingClientRect();
  const above = box.top - 16;
  const below = innerHeight - box.bottom - 16;
  const up = menu.scrollHeight > below && above > below;
  menu.style.top = up ? "auto" : `${box.bottom + 4}px`;
  menu.style.bottom = up ? `${innerHeight - box.top + 4}px` : "auto";
  menu.style.left = `${Math.max(8, Math.min(box.left, innerWidth - menu.offsetWidth - 8))}px`;
  menu.style.maxHeight = `${up ? above : below}px`;
}

function load(menu) {
  const url = new URL(menu.dataset.menu, location.href);
  url.searchParams.set("at", location.search);
  const body = menu.querySelector("[data-menu-body]");
  // The body asks, so that a search in the menu can call this off (`hx-sync`).
  const answered = htmx.ajax("GET", url.pathname + url.search, { source: body, target: body, swap: "innerHTML" });
  answered.catch(() => {});
}

// It does not bubble.
document.addEventListener(
  "toggle",
  ({ target, newState }) => {
    if (newState !== "open" || !target.matches?.(".menu[popover]")) return;
    place(target);
    if (target.dataset.menu) load(target);
    target.querySelector("input[type=search]")?.focus();
  },
  true,
);
// What is chosen in a list of things to do closes it.
document.addEventListener("click", ({ target }) => {
  const menu = target.closest(".menu.action-menu button, .menu.action-menu a")?.closest(".menu:popover-open");
  menu?.hidePopover();
});
addEventListener("resize", () => {
  for (const menu of document.querySelectorAll(".menu:popover-open")) place(menu);
});

// Where a form leads back to is where its user is now: rows may have been opened since.
const here = () => location.pathname + location.search;
document.addEventListener("submit", ({ target }) => {
  if (target.elements.next?.value && target.closest("[data-returns-here]")) target.elements.next.value = here();
});
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb === "post" && detail.formData.has("next")) detail.formData.set("next", here());
});
