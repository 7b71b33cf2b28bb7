// Charts (templates/charts/): one crosshair for all charts of a page, by pointer and by keyboard.
// What it says of a point stands in the row of the chart's table for that point. In a heat strip the
// arrow keys go from cell to cell.

const SVG = "http://www.w3.org/2000/svg";
const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

// Where the crosshair stands, in percent of a plot, and the key of the chart that it was moved in.
let at = null;
let moved = "";
let spoken = null; // what a screen reader is told

const chartOf = (element) => element.closest("[data-chart]");
const rowsOf = (chart) => [...chart.querySelector("[data-points]").rows];
const xOf = (row) => Number(row.dataset.x);

function nearest(rows, x) {
  let best = null;
  for (const row of rows) if (!best || Math.abs(xOf(row) - x) < Math.abs(xOf(best) - x)) best = row;
  return best;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** The time, the value of each line, and what they mean together. */
function textsOf(chart, row) {
  const labels = [...row.closest("table").tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  const cells = [...row.cells].map((cell) => cell.textContent.trim());
  const count = chart.querySelectorAll(".chart-lines > g").length;
  const values = cells.slice(1, count + 1).map((text, n) => (count > 1 ? `${labels[n + 1]} ${text}` : text));
  return { time: cells[0], values: values.join(", "), words: cells[count + 1], marks: row.dataset.marks ?? "" };
}

function drawReadout(chart, row) {
  const readout = chart.querySelector("[data-readout]");
  readout.hidden = chart.dataset.chart !== moved;
  if (readout.hidden) return;
  const { time, values, words, marks } = textsOf(chart, row);
  const line = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
  const meaning = document.createElement("span");
  meaning.append(line("b", values), ` ${words}`);
  readout.replaceChildren(line("span", time), meaning, ...(marks ? [line("span", `◆ ${marks}`)] : []));
  const plot = readout.parentElement;
  const left = (xOf(row) / 100) * plot.clientWidth;
  const fits = left + 12 + readout.offsetWidth <= plot.clientWidth;
  readout.style.left = `${fits ? left + 12 : Math.max(0, left - 12 - readout.offsetWidth)}px`;
}

/** Draw the crosshair where it stands: after a move, and after a page has patched its charts. */
export function drawCrosshair() {
  for (const chart of document.querySelectorAll("[data-chart]")) {
    const group = chart.querySelector("[data-crosshair]");
    const row = at === null ? null : nearest(rowsOf(chart), at);
    if (!row) {
      group.replaceChildren();
      chart.querySelector("[data-readout]").hidden = true;
      continue;
    }
    const x = `${row.dataset.x}%`;
    const tones = [...chart.querySelectorAll(".chart-lines > g")].map((line) => line.classList[0]);
    const ys = row.dataset.ys.split(" ");
    const dots = tones.flatMap((tone, n) => (ys[n] ? [element("circle", { class: tone, cx: x, cy: `${ys[n]}%`, r: 3.5 })] : []));
    group.replaceChildren(element("line", { x1: x, x2: x, y2: "100%" }), ...dots);
    drawReadout(chart, row);
  }
}

function move(chart, x) {
  at = x;
  moved = chart?.dataset.chart ?? "";
  drawCrosshair();
}

function speak(chart, row) {
  if (!spoken) {
    spoken = Object.assign(document.createElement("div"), { className: "visually-hidden" });
    spoken.setAttribute("aria-live", "polite");
    document.body.append(spoken);
  }
  const { time, values, words, marks } = textsOf(chart, row);
  spoken.textContent = [time, values, words, marks].filter(Boolean).join(", ");
}

document.addEventListener("pointermove", (event) => {
  const plot = event.target.closest?.("[data-plot]");
  if (plot) {
    const box = plot.getBoundingClientRect();
    move(chartOf(plot), (100 * (event.clientX - box.left)) / box.width);
  } else if (at !== null && event.pointerType === "mouse" && !document.activeElement?.matches("[data-plot]")) {
    move(null, null);
  }
});

// A click with a mouse leads to what was counted there; a finger only moves the crosshair.
document.addEventListener("click", (event) => {
  const plot = event.target.closest("[data-plot]");
  if (!plot) return;
  const box = plot.getBoundingClientRect();
  const x = (100 * (event.clientX - box.left)) / box.width;
  if (event.pointerType === "mouse") nearest(rowsOf(chartOf(plot)), x)?.querySelector("a")?.click();
  else move(chartOf(plot), x);
});

document.addEventListener("focusin", (event) => {
  if (!event.target.matches("[data-plot]:focus-visible")) return;
  const chart = chartOf(event.target);
  move(chart, at ?? 100);
});
document.addEventListener("focusout", (event) => {
  if (event.target.matches("[data-plot]")) move(null, null);
});

function stepPlot(event) {
  const chart = chartOf(event.target);
  const rows = rowsOf(chart);
  const row = nearest(rows, at ?? 100);
  if (event.key === "Enter") {
    row?.querySelector("a")?.click();
    return;
  }
  const next = rows[Math.max(0, Math.min(rows.length - 1, rows.indexOf(row) + STEPS[event.key]))];
  event.preventDefault();
  move(chart, xOf(next));
  speak(chart, next);
}

function stepHeat(event, strip) {
  const cells = [...strip.querySelectorAll("a")];
  const next = cells[Math.max(0, Math.min(cells.length - 1, cells.indexOf(event.target.closest("a")) + STEPS[event.key]))];
  event.preventDefault();
  for (const cell of cells) cell.setAttribute("tabindex", cell === next ? "0" : "-1");
  next.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key !== "Enter" && !(event.key in STEPS)) return;
  if (event.target.matches("[data-plot]")) stepPlot(event);
  else if (event.key in STEPS) {
    const strip = event.target.closest("[data-heat]");
    if (strip) stepHeat(event, strip);
  }
});
