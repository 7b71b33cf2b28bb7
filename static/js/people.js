// Completes the names of people: in a field ([data-people]), and after an @ in a text
// ([data-mentions]). A list box below the field, moved through by the arrows.

import { NameCompletion } from "./name-completion.js";

/** What is being typed of a name, and where it begins; null where no name is. */
function typedName(field) {
  const before = field.value.slice(0, field.selectionStart);
  if (!("mentions" in field.dataset)) return { name: before.replace(/^@/, ""), start: 0 };
  const match = /(?:^|[\s(])@([\w.+-]*)$/.exec(before);
  return match && { name: match[1], start: before.length - match[1].length - 1 };
}

const PEOPLE = {
  label: "People",
  typed: typedName,
  address: (field) => field.dataset.people,
  text: (field, option) => ("mentions" in field.dataset ? `@${option.dataset.name} ` : option.dataset.name),
  chooses: true,
};

for (const field of document.querySelectorAll("[data-people]")) new NameCompletion(field, PEOPLE);
