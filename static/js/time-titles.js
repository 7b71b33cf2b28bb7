// What a moment's title says is made when somebody looks at it, so that "3 minutes ago" is right:
// the time in the reader's zone as the server wrote it, in UTC, and how long ago that is.

import { serverNow } from "./clock.js";

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });

/** How far a moment is from now: `3 minutes ago`, `in 2 hours`. */
export function timeAgo(milliseconds) {
  const seconds = Math.round((milliseconds - serverNow()) / 1000);
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

/** All that there is to say of a <time>. */
export function fullTitle(time) {
  time.dataset.full ??= time.title;
  const at = new Date(time.dateTime);
  const utc = at.toISOString().replace("T", " ").replace("Z", " UTC");
  return [time.dataset.full, ...(time.dataset.full.endsWith("UTC") ? [] : [utc]), timeAgo(at.getTime())].join("\n");
}

function updateTitle(event) {
  const time = event.target.closest?.("time[datetime]") ?? event.target.querySelector?.(":scope > time[datetime]");
  if (time?.title) time.title = fullTitle(time);
}

document.addEventListener("pointerover", updateTitle);
document.addEventListener("focusin", updateTitle);
