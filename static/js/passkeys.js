// Forms that a passkey fills in. data-passkey says whether one is made (create) or asked for (get),
// data-options what the server offers, or data-options-from where to ask for that.

const TOO_OLD = "This browser is too old for passkeys.";
const NOT_DONE = "No passkey was used. Try again, or sign in another way.";

/** @param {HTMLFormElement} form */
async function optionsFor(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const answer = await fetch(form.dataset.optionsFrom ?? "", { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`passkey options: ${answer.status}`);
  return (await answer.json()).request_options;
}

/**
 * Have the browser make a passkey, or ask its user for one.
 * @param {HTMLFormElement} form
 */
async function credentialFor(form) {
  const { publicKey } = await optionsFor(form);
  if (form.dataset.passkey === "create") {
    return navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey),
    });
  }
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
}

/**
 * @param {HTMLFormElement} form
 * @param {string} text
 */
function tell(form, text) {
  const problem = /** @type {HTMLElement} */ (form.querySelector("[data-passkey-problem]"));
  problem.textContent = text;
  problem.hidden = !text;
}

/** @param {HTMLFormElement} form */
async function fill(form) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) return tell(form, TOO_OLD);
  tell(form, "");
  try {
    const credential = await credentialFor(form);
    const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("credential"));
    field.value = JSON.stringify(credential);
    form.submit(); // which asks nobody again
  } catch (error) {
    console.warn(error);
    tell(form, NOT_DONE);
  }
}

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.dataset.passkey) return;
  event.preventDefault();
  fill(form);
});
