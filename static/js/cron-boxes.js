// The expression of a schedule in boxes, one a part, or chosen from simple ones. The text field holds
// it; it is shown itself where the text is another one, such as @daily.

const FEWEST = 5;

// Each is null on a page without the form; nothing below is called there.
const text = /** @type {HTMLInputElement} */ (document.querySelector("input.cron"));
const boxes = /** @type {HTMLElement} */ (document.querySelector(".cron-boxes"));
const simple = /** @type {HTMLSelectElement} */ (document.querySelector("[data-fills-cron]"));
const modes = /** @type {HTMLElement} */ (document.querySelector("[data-cron-modes]"));

const partsOf = (value) => value.trim().split(/\s+/);
const fields = () => /** @type {HTMLInputElement[]} */ ([...boxes.querySelectorAll("input")]);

/** Whether a text has a box for each of its parts. */
function fits(value) {
  const count = partsOf(value).length;
  return !value.trim().startsWith("@") && (count === FEWEST || count === FEWEST + 1);
}

/** Take a text over, and have it read. */
function write(value) {
  text.value = value;
  text.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Make the boxes of the text. */
function makeBoxes() {
  const parts = partsOf(text.value);
  const names = (text.dataset.parts ?? "").split(" ").slice(-parts.length);
  const made = parts.map((part, place) => {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.className = "code";
    box.value = part;
    box.autocomplete = "off";
    box.spellcheck = false;
    box.disabled = text.matches(":disabled");
    box.setAttribute("aria-describedby", "reading");
    label.append(box, names[place]);
    return label;
  });
  boxes.replaceChildren(...made);
}

/** Show what the chosen way of giving the time needs. */
function show() {
  const isSimple = modes.querySelector('input[value="simple"]').matches(":checked");
  const inBoxes = !isSimple && fits(text.value);
  if (inBoxes) makeBoxes();
  boxes.hidden = !inBoxes;
  simple.hidden = !isSimple;
  text.hidden = isSimple || inBoxes;
  simple.value = text.value.trim();
  if (simple.selectedIndex < 0) simple.value = "";
}

/** Put the caret into a box, or into the text when there are no boxes. */
function enter(place, at) {
  const box = boxes.hidden ? text : fields()[place];
  if (!box) return;
  box.focus();
  box.setSelectionRange(at === "start" ? 0 : box.value.length, box.value.length);
}

/** Take in what was typed or pasted into a box: more than one part goes into those after it. */
function typed(box) {
  const all = fields();
  const place = all.indexOf(box);
  if (box.value.startsWith("@")) {
    write(box.value);
    show();
    enter(0);
    return;
  }
  const given = box.value.split(/\s+/);
  if (given.length === 1) {
    write(all.map((one) => one.value).join(" "));
    return;
  }
  const parts = given.filter(Boolean);
  const isWhole = parts.length >= FEWEST;
  const values = isWhole ? parts : all.map((one) => one.value);
  if (!isWhole) values.splice(place, parts.length, ...parts);
  write(values.slice(0, isWhole ? undefined : all.length).join(" "));
  show();
  enter(isWhole ? 0 : Math.min(place + given.length - 1, all.length - 1), "start");
}

/** Arrows and Backspace go from box to box as in one text. */
function move(event) {
  const box = event.target;
  const place = fields().indexOf(box);
  const { selectionStart: start, selectionEnd: end } = box;
  if (start !== end || place < 0) return;
  const isBack = event.key === "ArrowLeft" || (event.key === "Backspace" && !box.value);
  const goes = isBack ? start === 0 : event.key === "ArrowRight" && end === box.value.length;
  const next = fields()[place + (isBack ? -1 : 1)];
  if (!goes || !next) return;
  event.preventDefault();
  next.focus();
  const at = isBack ? next.value.length : 0;
  next.setSelectionRange(at, at);
}

/** Mark the part that the reading of the expression complains about. */
function markBad() {
  const bad = document.querySelector("#reading [data-bad-part]")?.getAttribute("data-bad-part");
  for (const [place, box] of fields().entries()) {
    box.setAttribute("aria-invalid", String(bad === String(place)));
  }
}

if (text && boxes && simple && modes) {
  modes.hidden = false;
  show();
  markBad();
  boxes.addEventListener("input", ({ target }) => {
    if (target instanceof HTMLInputElement) typed(target);
  });
  boxes.addEventListener("keydown", move);
  modes.addEventListener("change", show);
  simple.addEventListener("change", () => simple.value && write(simple.value));
  text.addEventListener("blur", () => {
    if (fits(text.value)) show();
  });
  document.body.addEventListener("htmx:afterSwap", markBad);
}
