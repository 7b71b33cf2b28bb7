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
// Fields come and go with the parts of a page.
document.addEventListener("focusin", ({ target }) => {
  if (!(target instanceof HTMLElement) || !("functions" in target.dataset) || completed.has(target)) return;
  completed.add(target);
  new NameCompletion(target, FUNCTIONS);
});
