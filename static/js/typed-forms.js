// What was typed into a form is not lost when its page is signed out meanwhile: before it is sent,
// a page that has stood open asks who is signed in. A form without anything typed is sent as it is.

import { notify } from "./shell.js";
import { whoIsSignedIn } from "./watches.js";

const KNOWN_FOR = 60_000; // milliseconds for which a page that was signed in counts as signed in

let knownAt = Date.now();

/** Whoever has signed in again has another token. @param {string} token */
function renewTokens(token) {
  for (const field of document.querySelectorAll('input[name="csrfmiddlewaretoken"]')) field.value = token;
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
}

async function lookAgain() {
  const who = await whoIsSignedIn();
  if (who?.user !== document.body.dataset.user) return;
  renewTokens(who.csrf);
  removeEventListener("focus", lookAgain);
}

/** Say that nothing was done, and how to go on; this page works again once its user has signed in. */
export function tellSignedOut() {
  const here = encodeURIComponent(location.pathname + location.search);
  notify(
    "You are signed out: in another tab, or because your session has ended. Nothing was done, and this page keeps what you have typed. Sign in in another tab, come back, and try again.",
    { link: { text: "Sign in", href: `${document.body.dataset.login}?next=${here}`, target: "_blank" } },
  );
  addEventListener("focus", lookAgain);
}

/** @param {HTMLFormElement} form */
const wasTypedInto = (form) =>
  [...form.elements].some((field) => {
    if (field instanceof HTMLTextAreaElement) return field.value !== field.defaultValue;
    return field instanceof HTMLInputElement && !["hidden", "file"].includes(field.type) && field.value !== field.defaultValue;
  });

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 */
async function sendIfSignedIn(form, submitter) {
  const who = await whoIsSignedIn();
  if (who && who.user !== document.body.dataset.user) return tellSignedOut();
  if (who) renewTokens(who.csrf);
  knownAt = Date.now(); // also where it cannot be known: the answer tells
  form.requestSubmit(submitter);
}

document.addEventListener(
  "submit",
  (event) => {
    const { target: form, submitter } = event;
    if (!(form instanceof HTMLFormElement) || Date.now() - knownAt < KNOWN_FOR) return;
    if (form.getAttribute("method") !== "post" || form.dataset.passkey !== undefined) return;
    if (!document.body.dataset.watches || !wasTypedInto(form)) return;
    if (submitter?.hasAttribute("hx-post") || form.hasAttribute("hx-post") || submitter?.hasAttribute("data-export")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    sendIfSignedIn(form, submitter);
  },
  true, // before whatever else listens, which is asked once the form is sent
);
