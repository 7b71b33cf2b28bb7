// What cannot wait for the page's scripts: the only one that the first paint waits for, so all of it
// is in one file and small. A classic script on purpose, because modules run late.

// The theme. Before the first paint, so that a remembered one never flashes.
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
      return localStorage.getItem(KEY) ?? "";
    } catch {
      return ""; // storage is switched off: the system decides
    }
  };
  const migrate = () => {
    try {
      // Once: a value that comes under the old key later is the admin's.
      if (localStorage.getItem(KEY) !== null) return;
      const old = localStorage.getItem(OLD_KEY) ?? "";
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

// Keys that are pressed before the page's scripts are there wait for them.
(() => {
  const kept = [];

  function keep(event) {
    const { key, shiftKey, target } = event;
    if (!/^[^ ]$/u.test(key) || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable], dialog")) return;
    if (document.body && document.body.dataset.singleKeys !== "on") return;
    kept.push({ key, shiftKey });
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  addEventListener("keydown", keep, true);
  // By then every module has run.
  document.addEventListener("DOMContentLoaded", () => {
    removeEventListener("keydown", keep, true);
    for (const { key, shiftKey } of kept) {
      /** @type {any} */
      const at = document.activeElement ?? document.body;
      if (at.selectionStart != null) {
        // A key before this one led into a field.
        at.setRangeText(key, at.selectionStart, at.selectionEnd, "end");
        at.dispatchEvent(new InputEvent("input", { bubbles: true }));
      } else {
        at.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey, bubbles: true, cancelable: true }));
      }
    }
  });
})();

// Offers the browser's time zone, for who has not chosen one: before the first page that shows a
// time, on the one on which one signs in.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const offer = `zone=${encodeURIComponent(zone)}`;
  if (!zone || document.cookie.split("; ").includes(offer)) return;
  // biome-ignore lint/suspicious/noDocumentCookie: browsers have cookieStore for secure addresses only
  document.cookie = `${offer}; path=/; max-age=31536000; samesite=lax`;
})();
