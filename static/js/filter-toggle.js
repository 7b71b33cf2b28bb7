// Where there is little room (css/filter-toggle.css), the filter bar and what belongs to it are shown and
// hidden with a button. Whether they are shown outlasts the swaps of the page.

const button = () => document.querySelector("[data-filter-toggle]");

function tell() {
  button()?.setAttribute("aria-expanded", String("filtersOpen" in document.body.dataset));
}

document.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-filter-toggle]")) return;
  document.body.toggleAttribute("data-filters-open");
  tell();
});
document.body.addEventListener("htmx:afterSettle", tell);
