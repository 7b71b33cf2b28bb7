// A page that the browser's Back has brought back as it was left.

import { reloadIfSignedOut } from "./watches.js";

addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  reloadIfSignedOut();
  // What was sent before is done. Sent again, the form is another one, as on a page that is fetched.
  for (const field of document.querySelectorAll('input[name="form"]')) {
    field.value = `${field.value}.${Date.now()}`;
    delete field.dataset.first;
  }
});
