// One dialog asks before everything that cannot be taken back (templates/partials/confirm.html). A
// button says what is asked in data-confirm, data-confirm-detail and data-confirm-yes; without
// scripts it acts at once, as its form says.

const dialog = () => document.getElementById("confirm");

/** Ask; whether the answer is yes. `dangerous` paints the button that says so. */
export function ask({ question, detail = "", yes, dangerous = false }) {
  const asked = dialog();
  asked.querySelector("h2").textContent = question;
  asked.querySelector("[data-confirm-text]").textContent = detail;
  const button = asked.querySelector("[data-confirm-yes]");
  button.textContent = yes;
  button.classList.toggle("danger", dangerous);
  asked.returnValue = "";
  asked.showModal();
  return new Promise((resolve) => {
    asked.addEventListener("close", () => resolve(asked.returnValue === "yes"), { once: true });
  });
}

document.body.addEventListener("htmx:confirm", async (event) => {
  const { elt, issueRequest } = event.detail;
  const { confirm, confirmDetail, confirmWord } = elt.dataset ?? {};
  if (!confirm || event.defaultPrevented) return;
  event.preventDefault();
  const dangerous = elt.classList.contains("danger");
  if (await ask({ question: confirm, detail: confirmDetail, yes: confirmWord, dangerous })) issueRequest(true);
});
