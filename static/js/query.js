// The query box: asks for what may follow while one types, and keeps step with the filter bar.
//
// The list of completions follows the pattern of a combobox: arrows move, Enter and Tab take, Escape
// closes. A query is sent once what is being typed is a word; a field is sent when its value is
// taken from the list, or with Enter.

const COMPLETE_AFTER = 120;
const SEND_AFTER = 300;
const box = () => document.getElementById("search");
const list = () => document.getElementById("completions");
const form = () => box().form;
let completing = 0;
let sending = 0;
let asked = 0; // the newest question, so that a late answer to an older one is dropped

const options = () => [...list().children];
const current = () => list().querySelector('[aria-selected="true"]');

function close() {
  clearTimeout(completing);
  asked += 1;
  list().hidden = true;
  box().setAttribute("aria-expanded", "false");
  box().removeAttribute("aria-activedescendant");
}

function choose(option) {
  for (const one of options()) one.setAttribute("aria-selected", String(one === option));
  box().setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

async function complete() {
  asked += 1;
  const question = asked;
  const { value, selectionStart } = box();
  const query = new URLSearchParams({ q: value, caret: String(selectionStart) });
  const response = await fetch(`${form().dataset.completions}?${query}`);
  if (!response.ok || response.redirected || question !== asked) return;
  list().innerHTML = await response.text();
  const any = list().children.length > 0 && document.activeElement === box();
  list().hidden = !any;
  box().setAttribute("aria-expanded", String(any));
  box().removeAttribute("aria-activedescendant");
}

const send = () => form().dispatchEvent(new CustomEvent("query:ready"));

function take(option) {
  const { text, caret } = option.dataset;
  box().value = text;
  box().setSelectionRange(Number(caret), Number(caret));
  close();
  if (text[caret - 1] === " ") send();
  else completeSoon();
}

function completeSoon() {
  clearTimeout(completing);
  completing = setTimeout(() => complete().catch(close), COMPLETE_AFTER);
}

/** Whether the caret is in a field, whose value is not complete before it is taken or sent. The
 * server's lexer says what a word is (executions/grid/query/lexer.py). */
function isInField() {
  const { word, field } = form().dataset;
  const before = box().value.slice(0, box().selectionStart);
  const last = [...before.matchAll(new RegExp(word, "g"))].at(-1);
  const isTyping = last && last.index + last[0].length === before.length;
  return Boolean(isTyping && new RegExp(`^(?:${field})`).test(last[0]));
}

document.addEventListener("input", ({ target }) => {
  if (target !== box()) return;
  clearTimeout(sending);
  if (!isInField()) sending = setTimeout(send, SEND_AFTER);
  completeSoon();
});

function move(by) {
  const all = options();
  const at = all.indexOf(current());
  choose(all[(at + by + all.length + (at < 0 && by < 0 ? 1 : 0)) % all.length]);
}

document.addEventListener(
  "keydown",
  (event) => {
    if (event.target !== box() || event.isComposing) return;
    const isOpen = !list().hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (isOpen) move(event.key === "ArrowDown" ? 1 : -1);
      else complete().catch(close);
    } else if (isOpen && (event.key === "Enter" || event.key === "Tab") && current()) {
      event.preventDefault();
      take(current());
    } else if (isOpen && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Enter") {
      clearTimeout(sending);
      if (isInField()) {
        event.preventDefault();
        finish();
      } else close();
    }
  },
  true,
);

/** Send the query; the value of a field that has a few takes the only one that it can become. */
async function finish() {
  const { value } = box();
  clearTimeout(completing); // its question would make this one an older one
  await complete().catch(close);
  if (box().value !== value) return; // typed on meanwhile
  const [only, ...others] = options();
  if (!list().hidden && only && !others.length && "choice" in only.dataset) take(only);
  else {
    close();
    send();
  }
}

document.addEventListener("mousedown", (event) => {
  const option = event.target.closest("#completions > li");
  if (option) {
    event.preventDefault(); // the box keeps the focus
    take(option);
  } else if (event.target !== box()) close();
});
document.addEventListener("focusout", ({ target }) => {
  if (target === box()) close();
});

// The box keeps its element, and what is being typed, when the page around it is swapped. What the
// filter bar or the browser's history changed is written into it.
function follow() {
  if (document.activeElement !== box()) box().value = form().dataset.query;
}
document.body.addEventListener("htmx:afterSettle", follow);
document.body.addEventListener("htmx:historyRestore", follow);

// The editor of a filter -------------------------------------------------------------------------

/** Under the button that opened it; without a script it stands under the bar. */
function place(editor) {
  const key = editor.dataset.editor;
  const opener =
    document.getElementById(`piece-${key}`)?.closest(".filter-chip") ?? document.querySelector("#filters summary.add");
  const bar = document.getElementById("filters");
  const [at, around] = [opener.getBoundingClientRect(), bar.getBoundingClientRect()];
  const left = Math.min(at.left - around.left, around.width - editor.offsetWidth - 8);
  editor.style.setProperty("--left", `${Math.max(8, left)}px`);
  editor.style.setProperty("--top", `${at.bottom - around.top + 4}px`);
}
addEventListener("resize", () => {
  const editor = document.getElementById("editor");
  if (editor) place(editor);
});

document.body.addEventListener("htmx:afterSettle", () => {
  const editor = document.getElementById("editor");
  if (editor) place(editor);
  if (editor && !editor.contains(document.activeElement)) {
    editor.querySelector("[autofocus], input:not([type=hidden]), button").focus();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const editor = document.getElementById("editor");
  if (editor?.contains(event.target)) {
    event.preventDefault();
    const key = editor.querySelector("[data-close]");
    key.click();
  }
  for (const menu of document.querySelectorAll("details.more[open]")) {
    menu.open = false;
    if (menu.contains(event.target)) menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll("details.more[open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
});

// The page was opened with an editor in its address.
if (document.getElementById("editor")) place(document.getElementById("editor"));
