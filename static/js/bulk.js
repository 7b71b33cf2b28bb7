// What a command would do to all that match the filters, told in a dialog over the grid before it is
// confirmed: the part of a page, which stays for who has no scripts and for links. The jobs that come
// of it are followed in lines below the grid, in this tab also after a reload.

const dialog = document.getElementById("bulk");
const body = document.getElementById("bulk-body");
const strips = document.getElementById("job-strips");
const notices = document.getElementById("notices");
const followed = `jobs ${document.body.dataset.user}`;

/** Fetch what a command would do; the dialog opens when that is there. */
export const preview = (address) => htmx.ajax("GET", address, { source: dialog, target: body, swap: "innerHTML" });

// The dialog is an entry of the history, so that Back closes it. htmx, which would fetch the page
// below anew, hears nothing of that.
let leaving = false;

body.addEventListener("htmx:afterSwap", ({ detail }) => {
  const address = detail.pathInfo.requestPath;
  if (!dialog.open) {
    dialog.showModal();
    dialog.append(notices); // outside of a modal dialog nobody could read or dismiss them
    if (history.state?.bulk !== address) history.pushState({ bulk: address }, "");
  }
  body.querySelector("[autofocus]").focus();
});

dialog.addEventListener("close", () => {
  document.body.append(notices);
  body.replaceChildren();
  leaving = Boolean(history.state?.bulk);
  if (leaving) history.back();
});

addEventListener(
  "popstate",
  (event) => {
    const address = event.state?.bulk;
    if (!leaving && !dialog.open && !address) return;
    event.stopImmediatePropagation();
    if (leaving) leaving = false;
    else if (dialog.open) dialog.close();
    else preview(address);
  },
  true,
);

// Jobs -----------------------------------------------------------------------------------------

function remember() {
  const addresses = [...strips.children].map((strip) => strip.dataset.job);
  if (addresses.length) sessionStorage.setItem(followed, addresses.join(" "));
  else sessionStorage.removeItem(followed);
}

new MutationObserver(() => {
  // A form that was sent again answers with the job that it had made.
  for (const strip of [...strips.children]) {
    if (document.getElementById(strip.id) !== strip) strip.remove();
  }
  remember();
}).observe(strips, { childList: true });

document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target === strips) dialog.close();
});

strips.addEventListener("click", ({ target }) => target.closest("[data-job-away]")?.closest(".job-strip").remove());

async function follow(addresses) {
  for (const address of addresses) await htmx.ajax("GET", address, { target: strips, swap: "beforeend" }).catch(() => {});
}
follow((sessionStorage.getItem(followed) ?? "").split(" ").filter(Boolean));
if (history.state?.bulk) preview(history.state.bulk);
