// Runs before the first paint, so that a remembered theme never flashes. A classic script on purpose.
(() => {
  // Django's admin keeps a theme of its own under "theme", with another set of values.
  const KEY = "cortexweb.theme";
  const OLD_KEY = "theme"; // where these pages kept it, too
  const THEMES = ["light", "dark"];
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const remember = (theme) => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // It holds for this page only.
    }
  };
  const remembered = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is switched off: the system decides
    }
  };
  const migrate = () => {
    try {
      // Once: a value that comes under the old key later is the admin's.
      if (localStorage.getItem(KEY) !== null) return;
      const old = localStorage.getItem(OLD_KEY);
      localStorage.setItem(KEY, THEMES.includes(old) ? old : "system");
    } catch {
      // As above.
    }
  };
  const apply = () => {
    const chosen = remembered();
    const theme = THEMES.includes(chosen) ? chosen : dark.matches ? "dark" : "light";
    document.documentElement.dataset.theme = theme;
  };

  migrate();
  apply();
  dark.addEventListener("change", apply);
  addEventListener("storage", apply);
  // Another page may have changed it while this one waited to be gone back to.
  addEventListener("pageshow", (event) => event.persisted && apply());
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    remember(next);
  });
})();
