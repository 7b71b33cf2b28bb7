// Buttons that copy: the text of data-copy, what data-copy-url answers with, the address of
// data-copy-link, or with data-copy-text what is written beside the button.

import { notify } from "./shell.js";

async function textOf(button) {
  const { copy, copyUrl, copyLink } = button.dataset;
  if (copyLink !== undefined) return new URL(copyLink, location.href).href;
  if (copyUrl === undefined) return copy ?? button.parentElement.querySelector("pre").innerText;
  const response = await fetch(copyUrl);
  if (!response.ok || response.redirected) throw new Error(`copy: ${response.status}`);
  return response.text();
}

/** Write to the clipboard what a promise brings. Browsers allow it while the click is fresh, so the
 * promise is handed over where they take one. */
async function write(promise) {
  if (window.ClipboardItem && navigator.clipboard.write) {
    const blob = promise.then((text) => new Blob([text], { type: "text/plain" }));
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
  } else {
    await navigator.clipboard.writeText(await promise);
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy], [data-copy-url], [data-copy-link], [data-copy-text]");
  if (!button) return;
  const text = textOf(button);
  try {
    await write(text);
    button.classList.add("done");
    button.dispatchEvent(new CustomEvent("copied", { bubbles: true }));
    setTimeout(() => button.classList.remove("done"), 1200);
  } catch {
    select(button, await text.catch(() => null));
  }
});

/** Without a secure address browsers give no clipboard: what is shown is selected for Ctrl+C. */
function select(button, text) {
  const shown = button.parentElement.querySelector("pre, .mono");
  if (shown) getSelection()?.selectAllChildren(shown);
  else notify(text === null ? "It could not be fetched. Try again." : "The browser did not allow to copy.");
}
