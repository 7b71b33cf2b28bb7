// What takes longer than a moment shows: a bar at the top of the page, and the part that is fetched
// steps back and says that it is busy.

const MOMENT = 200; // milliseconds

const running = new Map(); // what is under way, and the part of the page that it is for
let timer = 0;

function show() {
  document.getElementById("loading").hidden = running.size === 0;
  const busy = new Set(running.values());
  for (const part of document.querySelectorAll("[data-busy-part]")) {
    if (busy.has(part)) continue;
    part.removeAttribute("aria-busy");
    delete part.dataset.busyPart;
  }
  for (const part of busy) {
    if (!part) continue;
    part.setAttribute("aria-busy", "true");
    part.dataset.busyPart = "";
  }
}

function begin(work, part) {
  running.set(work, part);
  if (running.size === 1) timer = setTimeout(show, MOMENT);
  else if (!document.getElementById("loading").hidden) show();
}

function end(work) {
  if (!running.delete(work)) return;
  if (running.size) return;
  clearTimeout(timer);
  show();
}

/** Show that a promise is waited for, in that part of the page; gives it back. */
export function showLoading(promise, part = null) {
  begin(promise, part);
  promise.then(
    () => end(promise),
    () => end(promise),
  );
  return promise;
}

// What the page asks for by itself, because something has changed, is no reader's waiting.
const isOwn = (event) => /^(load|live:)/.test(event?.type ?? "");

document.body.addEventListener("htmx:beforeSend", ({ detail }) => {
  if (isOwn(detail.requestConfig.triggeringEvent)) return;
  const part = detail.requestConfig.verb === "get" ? detail.target : null;
  begin(detail.xhr, part === document.body ? document.getElementById("main") : part);
  // Whatever comes of it, also when what asked has been swapped out meanwhile.
  detail.xhr.addEventListener("loadend", () => end(detail.xhr));
});
