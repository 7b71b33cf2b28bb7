// The keys of the forms on the page of an execution (executions/idempotency.py). A key is for what
// is shown: pressed again before the page shows what came of a command, it is the same command, which
// is done once. The keys stand outside of the parts of the page, so that a new one is no change.

const SHOWN_AFTER = 1000; // milliseconds after which what came of a command counts as shown

let renewed = 0;

function renewKeys() {
  renewed += 1;
  for (const field of document.querySelectorAll('#detail input[name="form"]')) {
    field.dataset.first ??= field.value;
    field.value = `${field.dataset.first}.${renewed}`;
  }
}

// The next state of the execution is shown.
document.addEventListener("detail:revised", renewKeys);

document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
  // Of a request that failed it is not known whether it was done: sent again, it is the same one.
  if (detail.requestConfig.verb !== "post" || !detail.successful) return;
  // What was refused did nothing, and may be asked again. Not everything that is done changes the
  // execution, so that it would be shown.
  if (detail.xhr.getResponseHeader("HX-Trigger") === "command-done") setTimeout(renewKeys, SHOWN_AFTER);
  else renewKeys();
});
