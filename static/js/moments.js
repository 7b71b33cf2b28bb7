// What a moment's title says is made when somebody looks at it, so that "3 minutes ago" is right:
// the time in the reader's zone as the server wrote it, in UTC, and how long ago that is.

import { serverNow } from "./clock.js";

const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });

/** How far a moment is from now: `3 minutes ago`, `in 2 hours`. */
export function ago(milliseconds) {
  const seconds = Math.round((milliseconds - serverNow()) / 1000);
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return relative.format(Math.trunc(seconds / size), unit);
}

/** All that there is to say of a <time>. */
export function told(time) {
  time.dataset.full ??= time.title;
  const at = new Date(time.dateTime);
  const utc = at.toISOString().replace("T", " ").replace("Z", " UTC");
  return [time.dataset.full, ...(time.dataset.full.endsWith("UTC") ? [] : [utc]), ago(at.getTime())].join("\n");
}

function look(event) {
  const time = event.target.closest?.("time[datetime]") ?? event.target.querySelector?.(":scope > time[datetime]");
  if (time?.title) time.title = told(time);
}

document.addEventListener("pointerover", look);
document.addEventListener("focusin", look);
