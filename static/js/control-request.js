// Who debugs this: what somebody has asked for tells how many seconds are left.

import { serverNow } from "./clock.js";

function showSecondsLeft() {
  for (const element of document.querySelectorAll("#detail [data-until]")) {
    const left = Math.max(0, Math.ceil((Number(element.dataset.until) - serverNow()) / 1000));
    const text = left ? `in ${left} s` : "now";
    if (element.textContent !== text) element.textContent = text;
  }
}

setInterval(showSecondsLeft, 500);
document.addEventListener("detail:fitted", showSecondsLeft);
