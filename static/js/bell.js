// The bell: how many notifications are unread, and those that the browser shows. What a page knows
// of them comes with what its reader watches (watches.js).

import { announce } from "./shell.js";

let known = -1;

function showCount(unread) {
  const bell = document.querySelector("[data-bell]");
  const count = bell?.querySelector("[data-bell-count]");
  if (!count) return;
  const shown = unread > 99 ? "99+" : String(unread);
  count.textContent = shown;
  count.hidden = unread === 0;
  bell.ariaLabel = bell.title = unread ? `Notifications, ${shown} unread` : "Notifications";
  if (known >= 0 && unread > known) announce(`${shown} unread notifications`);
  known = unread;
}

function showInBrowser({ id, title, text, address }) {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  try {
    const notification = new Notification(title, { body: text, tag: id });
    notification.onclick = () => {
      window.focus();
      location.assign(address);
    };
  } catch {
    // Some browsers on phones have them for service workers only; the bell has it.
  }
}

document.body.addEventListener("notifications:known", ({ detail }) => {
  showCount(detail.unread);
  for (const one of detail.browser) showInBrowser(one);
});
// The browser asks whether it may show them when somebody chooses that.
document.addEventListener("change", ({ target }) => {
  if (!target.matches?.("[data-channel=browser]:checked") || !("Notification" in window)) return;
  if (Notification.permission === "default") Notification.requestPermission();
});
