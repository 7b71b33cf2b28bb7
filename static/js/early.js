// Keys that are pressed before the page's scripts are there wait for them. A classic script on
// purpose: it listens before anything else has been fetched.
(() => {
  const kept = [];

  function keep(event) {
    const { key, shiftKey, target } = event;
    if (!/^[^ ]$/u.test(key) || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable], dialog")) return;
    if (document.body?.dataset.singleKeys === "off") return;
    kept.push({ key, shiftKey });
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  addEventListener("keydown", keep, true);
  // By then every module has run.
  document.addEventListener("DOMContentLoaded", () => {
    removeEventListener("keydown", keep, true);
    for (const { key, shiftKey } of kept) {
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
