// Parts of a live page ([data-part], executions/views/parts.py): fetched when the live connection
// says that something has changed, or was missed; only those that differ come.

import { catchUp } from "./live-connection.js";

/** Keep the parts inside of `page()` fresh: fetch from its data-live-url what differs, and give it
 * to `apply` with the response, unless the reader has gone elsewhere meanwhile. While changes keep
 * coming, `pause` milliseconds lie between two fetches. With `settle` a fetch comes that long after
 * a change: by then what the server keeps for so long is newer. Returns what refreshes now. */
export function refreshOnChange(page, apply, { pause, settle = 0 }) {
  let running = null; // the refresh under way
  let again = false;
  let hurried = false; // a reader waits for it

  const shownParts = () =>
    [...page().querySelectorAll("[data-part]")]
      .map((part) => `${part.id.slice(5)}:${part.dataset.part}`)
      .join(" ");

  async function fetchParts() {
    const shown = location.search;
    const headers = { "X-Held": shownParts() };
    // Without a connection it is these fetches that tell that somebody is there.
    if (document.querySelector('[data-live][data-state="poll"]')) headers["X-Polling"] = "1";
    const response = await fetch(page().dataset.liveUrl + shown, { headers });
    if (response.redirected || !response.ok) throw new Error(`refresh: ${response.status}`);
    const html = await response.text();
    if (page() && shown === location.search) apply(html, response);
  }

  /** Fetch what changed; calls that come meanwhile become one more refresh, at once when a reader
   * waits for it. */
  function refresh({ hurry = false } = {}) {
    hurried ||= hurry;
    if (running) {
      again = true;
      return running;
    }
    running = (async () => {
      try {
        do {
          again = false;
          await fetchParts();
          if (again && !hurried) await new Promise((resolve) => setTimeout(resolve, pause));
        } while (again);
      } finally {
        running = null;
        hurried = false;
      }
    })();
    return running;
  }

  let retryTimer = 0;
  function retryLater() {
    if (retryTimer) return;
    retryTimer = setTimeout(() => {
      retryTimer = 0;
      catchUp();
    }, 2000);
  }
  let settleTimer = 0;
  function onChange() {
    if (!settle) {
      refresh().catch(retryLater);
    } else if (!settleTimer) {
      settleTimer = setTimeout(() => {
        settleTimer = 0;
        refresh().catch(retryLater);
      }, settle);
    }
  }
  document.body.addEventListener("live:changed", onChange);
  document.body.addEventListener("live:catchup", (event) => {
    event.detail.until(refresh());
    if (settle) onChange();
  });
  return refresh;
}

/** The elements of an answer, for `patchElement`. */
export function parseParts(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.children];
}
