// A new API token is shown once: leaving asks while it has not been copied.

const made = () => document.querySelector("[data-not-copied]");

document.addEventListener("copy", () => made()?.removeAttribute("data-not-copied"));
document.addEventListener("copied", () => made()?.removeAttribute("data-not-copied"));

window.addEventListener("beforeunload", (event) => {
  if (made()) event.preventDefault();
});
