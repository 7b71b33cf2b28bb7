// How long it is until a time, as flows/formatting.py writes it.
/** @type {[string, number, number][]} */
const UNITS = [
  ["s", 1, 60],
  ["m", 60, 3600],
  ["h", 3600, 172800],
  ["d", 86400, Number.POSITIVE_INFINITY],
];

function countDown() {
  for (const shown of document.querySelectorAll("[data-until]")) {
    const seconds = Math.floor((Number(shown.dataset.until) - Date.now()) / 1000);
    const [unit, size] = UNITS.find((one) => seconds < one[2]) ?? UNITS[UNITS.length - 1];
    const text = seconds < 0 ? "now" : `in ${Math.floor(seconds / size)} ${unit}`;
    if (shown.textContent !== text) shown.textContent = text;
  }
}
setInterval(countDown, 1000);
