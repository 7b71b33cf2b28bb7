// What the reader watches: told on whatever page they are, in the page and, if they allow it, by
// the browser. What was missed is told at the next visit.

import "./bell.js";
import { executionAddress } from "./shell.js";

const watched = new Set();
const shown = new Set();

export const isWatched = (id) => watched.has(id);
const address = () => document.body.dataset.watches ?? "";

function headers() {
  return { "HX-Request": "true", ...JSON.parse(document.body.getAttribute("hx-headers") ?? "{}") };
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.append(text);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function showNotice({ id, revision, flow, status, failed, word, detail }) {
  if (shown.has(`${id} ${revision}`)) return;
  shown.add(`${id} ${revision}`);
  const url = executionAddress(id);
  const over = ["Stopped", "Ended", "Error"].includes(status);
  const notice = element("div", "", { class: failed ? "notice warning" : "notice", "data-watched": id });
  const text = element("div", "");
  const link = element("a", flow, { href: url });
  text.append(link, over ? ` is over: ${word}` : ` waits for you: ${word}`, detail ? `, ${detail}` : "");
  const close = element("button", "×", { type: "button", class: "btn subtle small square", "data-dismiss": "", "aria-label": "Dismiss" });
  notice.append(element("span", ""), text, close);
  document.getElementById("notices").append(notice);
  if (over) watched.delete(id);
  // Of its end the browser tells if its reader has chosen that, as all channels do (bell.js).
  if (!over) showBrowserNotification(url, id, `${flow}: ${word}`, detail);
  const read = new FormData();
  read.set("read", id);
  read.set("revision", revision);
  // A notice that could not be marked as read comes again: nothing is lost.
  fetch(address(), { method: "POST", headers: headers(), body: read }).catch(() => {});
  document.body.dispatchEvent(new CustomEvent("watches:changed"));
}

function showBrowserNotification(url, id, title, body) {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  try {
    // Two tabs with the same tag make one notification.
    const notification = new Notification(title, { body, tag: id });
    notification.onclick = () => {
      window.focus();
      location.assign(url);
    };
  } catch {
    // Some browsers on phones have them for service workers only; the notice is there.
  }
}

const ask = () => fetch(address(), { headers: headers(), cache: "no-store" });

/** Who is signed in, with the token of their forms; null where that is not known. */
export async function whoIsSignedIn() {
  const response = await ask().catch(() => null); // without a connection it is not known
  if (response?.redirected) return { user: "", csrf: "" };
  return response?.ok ? await response.json() : null;
}

/** Leave a page that shows what somebody saw who is not signed in any longer. */
export async function reloadIfSignedOut() {
  const who = await whoIsSignedIn();
  if (who && who.user !== document.body.dataset.user) location.reload();
}

async function fetchUnread() {
  const response = await ask();
  if (response.redirected || !response.ok) return;
  const { unread, ids, notifications } = await response.json();
  document.body.dispatchEvent(new CustomEvent("notifications:known", { detail: notifications }));
  watched.clear();
  for (const id of ids) watched.add(id);
  document.body.dispatchEvent(new CustomEvent("watches:changed"));
  for (const one of unread) showNotice(one);
}

document.body.addEventListener("live:watch", ({ detail }) => showNotice(detail));
document.body.addEventListener("live:watches", ({ detail }) => {
  for (const id of detail.ids) {
    if (detail.on) watched.add(id);
    else watched.delete(id);
  }
  document.body.dispatchEvent(new CustomEvent("watches:changed"));
});
for (const name of ["live:catchup", "live:complete", "live:notifications"]) {
  document.body.addEventListener(name, () => fetchUnread().catch(() => {}));
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-watch]:not([aria-disabled=true])");
  if (button && "Notification" in window && Notification.permission === "default") Notification.requestPermission();
});

// A page with a live connection catches up by itself.
if (address() && !document.querySelector("[data-live][data-socket]")) fetchUnread().catch(() => {});
