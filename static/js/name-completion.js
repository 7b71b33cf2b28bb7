// Completes names in a field: people, functions of expressions.

const WAIT = 120; // milliseconds after a key

/**
 * What is offered below a field.
 * @typedef {object} Source
 * @property {string} label - what the list is called
 * @property {(field: HTMLInputElement | HTMLTextAreaElement) => { name: string, start: number } | null} typed -
 *   what is being typed of a name, and where it begins; null where no name is
 * @property {(field: HTMLElement) => string} address - where names are asked for
 * @property {(field: HTMLElement, option: HTMLElement) => string} text - what an option puts into the field
 * @property {boolean} [chooses] - whether the first option is chosen at once
 */

/** A list box below a field, moved through by the arrows; Enter and Tab take, Escape closes. */
export class NameCompletion {
  /**
   * @param {any} field
   * @param {Source} source
   */
  constructor(field, source) {
    this.field = field;
    this.source = source;
    this.list = document.createElement("ul");
    NameCompletion.count += 1;
    this.list.id = `names-${NameCompletion.count}`;
    this.list.className = "name-list";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", source.label);
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
    // What was typed while the page loaded.
    if (document.activeElement === field && field.value !== field.defaultValue) this.askSoon();
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
    const typed = this.source.typed(this.field);
    if (!typed) {
      this.close();
      return;
    }
    const { value } = this.field;
    const response = await fetch(`${this.source.address(this.field)}?q=${encodeURIComponent(typed.name)}`);
    if (!response.ok || response.redirected) return;
    const html = await response.text();
    // An answer to less than what is there by now would offer the wrong names.
    if (document.activeElement !== this.field || this.field.value !== value) return;
    this.list.innerHTML = html;
    const isOpen = this.options.length > 0;
    this.showExpanded(isOpen);
    if (isOpen && this.source.chooses) this.choose(this.options[0]);
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
    else if (this.chosen && ((event.key === "Enter" && !event.ctrlKey) || event.key === "Tab")) this.take(this.chosen);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  take(option) {
    const typed = option && this.source.typed(this.field);
    if (!typed) return;
    const { value, selectionStart } = this.field;
    const name = this.source.text(this.field, option);
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
NameCompletion.count = 0;
