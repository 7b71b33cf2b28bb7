// The time of an execution: a slider over its steps, the keys to it, and playback by the real times
// of the steps. Every move is an address; the server answers it with the parts that differ.

import { showMoment } from "./execution.js";
import { announce, isTyping, notify } from "./shell.js";

const page = () => document.getElementById("detail");
const slider = () => page()?.querySelector("[data-slider]");
const countOf = (element) => Number(element.getAttribute("aria-valuemax"));
const GAP = 2000; // milliseconds at most between two steps that are played

/** The page's address at a step; the last one is live. */
function addressOf(step) {
  const there = new URLSearchParams(location.search);
  there.delete("time");
  there.delete("at");
  if (step >= countOf(slider())) there.delete("step");
  else there.set("step", String(Math.max(0, step)));
  return `?${there}`;
}

let targetStep = null; // the step to which the reader drags or plays, until the page shows it
let running = false;

/** Show a step as soon as the server has answered for the one before; the newest wish counts. */
async function showStep(step) {
  targetStep = Math.min(Math.max(0, step), countOf(slider()));
  drawStep(targetStep);
  if (running) return;
  running = true;
  try {
    while (targetStep !== null) {
      const next = targetStep;
      await showMoment(addressOf(next));
      if (targetStep === next) targetStep = null;
    }
  } catch {
    targetStep = null;
    notify("The server cannot be reached. The moment that is shown did not change.");
  } finally {
    running = false;
  }
}

/** Move the thumb at once; the rest of the page follows. */
function drawStep(step) {
  const element = slider();
  if (!element) return;
  const place = `${(100 * step) / Math.max(1, countOf(element))}%`;
  element.querySelector("[data-thumb]").setAttribute("cx", place);
  element.querySelector("[data-done]").setAttribute("width", place);
  const stepCount = page().querySelector("[data-step-count] b");
  if (stepCount) stepCount.textContent = step;
}

/** The step that is viewed is in view in the list, too. */
function scrollToRow() {
  page()?.querySelector('.bottom-panel .current[aria-current="step"]')?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("detail:fitted", () => {
  showPlayer();
  scrollToRow();
  if (targetStep !== null) drawStep(targetStep);
  updatePlayButton();
});

// Pointer ----------------------------------------------------------------------------------------

document.addEventListener("pointerdown", (event) => {
  const element = event.target.closest?.("[data-slider]");
  if (!element || event.button) return;
  stop();
  const box = element.getBoundingClientRect();
  const stepOf = (moved) =>
    Math.round(Math.min(1, Math.max(0, (moved.clientX - box.left) / box.width)) * countOf(slider()));
  const move = (moved) => showStep(stepOf(moved));
  element.focus();
  event.preventDefault();
  move(event);
  addEventListener("pointermove", move);
  const end = () => removeEventListener("pointermove", move);
  addEventListener("pointerup", end, { once: true });
  addEventListener("pointercancel", end, { once: true });
});

// Keys -------------------------------------------------------------------------------------------

const MOVES = {
  "[": "previous",
  "]": "next",
  "{": "exception-before",
  "}": "exception-after",
  Home: "first",
  End: "live",
};

document.addEventListener("keydown", (event) => {
  const element = slider();
  if (!element || isTyping(event)) return;
  if (document.activeElement === element) {
    const now = targetStep ?? Number(element.getAttribute("aria-valuenow"));
    const page = Math.max(1, Math.round(countOf(element) / 20));
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -page, PageUp: page };
    if (event.key in by) {
      event.preventDefault();
      stop();
      showStep(now + by[event.key]);
      return;
    }
  }
  const pressedKey = event.shiftKey ? { "[": "{", "]": "}" }[event.key] ?? event.key : event.key;
  // In a list or a text that scrolls, Home and End scroll it.
  const scrolls = event.target.closest?.(".pane, .view, dialog, [popover]");
  if (!(pressedKey in MOVES) || (pressedKey.length > 1 && scrolls)) return;
  event.preventDefault();
  stop();
  page().querySelector(`[data-move="${MOVES[pressedKey]}"]`)?.click();
});

// Playback ---------------------------------------------------------------------------------------

const player = () => page()?.querySelector("[data-times]");
let playing = null; // {back, timer}

function showPlayer() {
  for (const part of page()?.querySelectorAll("[data-player]") ?? []) part.hidden = false;
}

/** One button plays, and ends what plays in either direction. */
function updatePlayButton() {
  page()?.querySelector('[data-play="on"]')?.setAttribute("aria-pressed", Boolean(playing));
}

function stop() {
  if (!playing) return;
  clearTimeout(playing.timer);
  playing = null;
  updatePlayButton();
  const told = player()?.querySelector("[data-compressed]");
  if (told) told.textContent = "";
}

async function timesFrom(step, back) {
  const address = `${player().dataset.times}?step=${step}${back ? "&back" : ""}`;
  const response = await fetch(address);
  if (!response.ok || response.redirected) throw new Error(`times: ${response.status}`);
  return (await response.json()).steps;
}

const speed = () => Number(page().querySelector("[data-speed]")?.value || 1);

async function play(back) {
  stop();
  const run = { back, timer: 0 };
  playing = run;
  updatePlayButton();
  let now = Number(slider().getAttribute("aria-valuenow"));
  if (!back && now >= countOf(slider())) now = 0; // from the end it begins again
  try {
    let steps = await timesFrom(Math.max(1, now), back);
    let place = 0;
    while (playing === run) {
      if (place + 1 >= steps.length) {
        const last = steps.at(-1)?.[0] ?? now;
        if (back ? last <= 1 : last >= countOf(slider())) break;
        steps = await timesFrom(last, back);
        place = 0;
        if (steps.length < 2) break;
      }
      let wait = Math.abs(steps[place + 1][1] - steps[place][1]);
      showShortened(wait);
      wait = Math.min(wait, GAP) / speed();
      place += 1;
      // Several steps within a blink are one move.
      while (place + 1 < steps.length && wait < 40) {
        wait += Math.min(Math.abs(steps[place + 1][1] - steps[place][1]), GAP) / speed();
        place += 1;
      }
      await new Promise((resolve) => {
        run.timer = setTimeout(resolve, wait);
      });
      if (playing !== run) return;
      await showStep(steps[place][0]);
    }
    if (playing === run && back) await showStep(0);
    if (playing === run) announce(back ? "At the beginning" : "At the end");
  } catch {
    notify("The server cannot be reached. Playing has stopped.");
  }
  if (playing === run) stop();
}

function showShortened(wait) {
  const told = player()?.querySelector("[data-compressed]");
  if (told) told.textContent = wait > GAP ? `${Math.round(wait / 1000)} s without a step, shortened` : "";
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-play]");
  if (button) {
    const back = button.dataset.play === "back";
    if (playing && !back) stop();
    else play(back);
  } else if (event.target.closest?.("[data-move], [data-replace]")) {
    stop();
  }
});

// The filter of the steps is a form without JavaScript; with it, each choice is a move.
document.addEventListener("change", (event) => {
  event.target.closest?.("#detail form[data-filters]")?.requestSubmit();
});
document.addEventListener("submit", (event) => {
  const form = event.target.closest?.("#detail form[data-filters]");
  if (!form) return;
  event.preventDefault();
  const there = new URLSearchParams(location.search);
  const chosen = new FormData(form);
  for (const name of ["block", "thrown", "own", "at"]) {
    there.delete(name);
    if (chosen.get(name)) there.set(name, String(chosen.get(name)));
  }
  showMoment(`?${there}`);
});

showPlayer();
scrollToRow();
