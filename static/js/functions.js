// Completes the functions of expressions in a field where one is typed ([data-functions], with the
// address that lists them). With data-functions-after the text has to begin so.
import { NameCompletion } from "./name-completion.js";

/** The name before the caret, of at least two letters; none inside of a text in quotation marks. */
function typedName(field) {
  const before = field.value.slice(0, field.selectionStart);
  if (!before.startsWith(field.dataset.functionsAfter ?? "") || isInText(before)) return null;
  const match = /(?<![\w$)])[A-Za-z]\w+$/.exec(before);
  return match && { name: match[0], start: before.length - match[0].length };
}

const isInText = (before) => /^(?:[^"']|"[^"]*"|'[^']*')*["'][^"']*$/.test(before.slice(-2000));

const FUNCTIONS = {
  label: "Functions",
  typed: typedName,
  address: (field) => field.dataset.functions,
  text: (_field, option) => `${option.dataset.name}(`,
};

const completed = new WeakSet();

function complete(field) {
  if (!(field instanceof HTMLElement) || !("functions" in field.dataset) || completed.has(field)) return;
  completed.add(field);
  new NameCompletion(field, FUNCTIONS);
}

// Fields come and go with the parts of a page.
document.addEventListener("focusin", ({ target }) => complete(target));
complete(document.activeElement);
