// Durations tick here from the server's clock, without traffic.
// <span data-since="milliseconds since the epoch"> is counted until the attribute goes away.

const started = performance.now();
let serverAtStart = Number(document.documentElement.dataset.now) || Date.now();
let halted = false;

/** The server's clock in milliseconds since the epoch. */
export const serverNow = () => serverAtStart + performance.now() - started;

/** Set the clock: what the server's clock shows at this moment. */
export function setServerNow(milliseconds) {
  serverAtStart = milliseconds - (performance.now() - started);
}

/** Stop or resume ticking: a page that hears nothing doesn't pretend to know. */
export function haltClock(halt) {
  halted = halt;
}

const two = (number) => String(number).padStart(2, "0");

/** The same notation as `flows.formatting.duration`, except that it never shows milliseconds. */
export function duration(milliseconds) {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 60) return `${(Math.floor(seconds * 10) / 10).toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (!hours) return `${minutes} m ${two(Math.floor(seconds % 60))} s`;
  if (hours < 24) return `${hours} h ${two(minutes % 60)} m`;
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}

function tick() {
  if (halted || document.hidden) return;
  const now = serverNow();
  for (const element of document.querySelectorAll("[data-since]")) {
    const text = duration(now - Number(element.dataset.since));
    if (element.firstChild?.data !== text) element.textContent = text;
  }
}

/** Start ticking; shell.js does so on every page. */
export function startClock() {
  setInterval(tick, 100);
  document.addEventListener("visibilitychange", tick);
}
