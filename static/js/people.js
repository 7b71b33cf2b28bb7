// Completes the names of people: in a field ([data-people]), and after an @ in a text
// ([data-mentions]). A list box below the field, moved through by the arrows.

const WAIT = 120; // milliseconds after a key

/** What is being typed of a name, and where it begins; null where no name is. */
function typedName(field) {
  const before = field.value.slice(0, field.selectionStart);
  if (!("mentions" in field.dataset)) return { name: before.replace(/^@/, ""), start: 0 };
  const match = /(?:^|[\s(])@([\w.+-]*)$/.exec(before);
  return match && { name: match[1], start: before.length - match[1].length - 1 };
}

class Completion {
  constructor(field) {
    this.field = field;
    this.list = document.createElement("ul");
    this.list.id = `people-of-${field.id || field.name}`;
    this.list.className = "people-list";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "People");
    field.after(this.list);
    // A text of several lines may not be a combobox.
    if (field.nodeName === "INPUT") field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", this.list.id);
    this.showExpanded(false);
    this.timer = 0;
    field.addEventListener("input", () => this.askSoon());
    field.addEventListener("keydown", (event) => this.onKey(event));
    field.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      if (event.target instanceof Element) this.take(event.target.closest("li"));
    });
  }

  showExpanded(isOpen) {
    this.list.hidden = !isOpen;
    if (this.field.nodeName === "INPUT") this.field.setAttribute("aria-expanded", String(isOpen));
  }

  get options() {
    return [...this.list.children];
  }

  get chosen() {
    return this.list.querySelector('[aria-selected="true"]');
  }

  askSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), WAIT);
  }

  async ask() {
    const typed = typedName(this.field);
    if (!typed) {
      this.close();
      return;
    }
    const response = await fetch(`${this.field.dataset.people}?q=${encodeURIComponent(typed.name)}`);
    if (!response.ok || response.redirected || document.activeElement !== this.field) return;
    this.list.innerHTML = await response.text();
    const isOpen = this.options.length > 0;
    this.showExpanded(isOpen);
    if (isOpen) this.choose(this.options[0]);
  }

  choose(option) {
    this.chosen?.setAttribute("aria-selected", "false");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.field.setAttribute("aria-activedescendant", option.id);
  }

  onKey(event) {
    if (this.list.hidden) return;
    const at = this.options.indexOf(this.chosen);
    if (event.key === "ArrowDown") this.choose(this.options[(at + 1) % this.options.length]);
    else if (event.key === "ArrowUp") this.choose(this.options.at(at - 1));
    else if ((event.key === "Enter" && !event.ctrlKey) || event.key === "Tab") this.take(this.chosen);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  take(option) {
    const typed = option && typedName(this.field);
    if (!typed) return;
    const { value, selectionStart } = this.field;
    const isText = "mentions" in this.field.dataset;
    const name = isText ? `@${option.dataset.name} ` : option.dataset.name;
    this.field.value = value.slice(0, typed.start) + name + value.slice(selectionStart);
    const caret = typed.start + name.length;
    this.field.setSelectionRange(caret, caret);
    this.close();
  }

  close() {
    clearTimeout(this.timer);
    this.showExpanded(false);
    this.field.removeAttribute("aria-activedescendant");
  }
}

for (const field of document.querySelectorAll("[data-people]")) new Completion(field);
