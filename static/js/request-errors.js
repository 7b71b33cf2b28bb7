// No failure is silent: what went wrong with a request, whether anything was done, and what to do.

import "./back-forward.js";
import { notify } from "./shell.js";
import { tellSignedOut } from "./typed-forms.js";

const reload = { text: "Reload the page", href: "" };

/** What an error page of the site says. */
function errorText(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const heading = page.querySelector("main h1")?.textContent.trim();
  const texts = [...page.querySelectorAll("main p")].map((paragraph) => paragraph.textContent.trim());
  return heading ? [`${heading}.`, ...texts].join(" ") : "";
}

document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const landed = detail.xhr.responseURL && new URL(detail.xhr.responseURL).pathname;
  if (landed !== document.body.dataset.login) return;
  // The sign-in page came instead of what was asked for.
  detail.shouldSwap = false;
  tellSignedOut();
});

document.body.addEventListener("htmx:responseError", ({ detail }) => {
  const { status, responseText } = detail.xhr;
  const text = errorText(responseText) || `The server answered ${status}.`;
  notify(status >= 500 ? `${text} What was asked may not have been done: look before you try again.` : text, {
    link: reload,
  });
});

for (const failure of ["htmx:sendError", "htmx:timeout"]) {
  document.body.addEventListener(failure, ({ detail }) => {
    const isQuestion = detail.requestConfig?.verb === "get";
    notify(
      isQuestion
        ? "The server cannot be reached. The page shows its last known state, and is updated when the connection is back."
        : "The server cannot be reached, so it is not known whether this was done. When the connection is back, the page shows the current state. You can safely press the button again.",
    );
  });
}
