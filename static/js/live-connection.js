// The live connection of a page: its socket, its clock, its badge, and how it catches up.
//
// The badge (templates/partials/live.html) names the socket in data-socket. What happens is told
// as events on <body>, so that a page without a script of its own can say
// hx-trigger="live:changed from:body, live:catchup from:body":
//   live:<type>    a frame of that type; detail is the frame
//   live:complete  nothing is missing: what had changed since the page was fetched has been told
//   live:catchup   fetch again what is shown; detail.until(promise) keeps the badge waiting
//   live:open      a connection is there; detail.send(object) speaks to the server
//   live:state     the badge's state; detail is one of waiting, live, lag, poll, stale

import { haltClock, serverNow, setServerNow } from "./clock.js";
import { announce } from "./shell.js";

const SILENCE = 8_000; // heard nothing for so long: stale
const ANSWER = 3_000; // a ping after sleep is answered within that, or the line is dead
const LATE = 2_000; // changes that are older than that on arrival: catching up
const POLL = 5_000;
const SIGNED_OUT = 4401;
const NOT_FOUND = 4404;
const NOT_UNDERSTOOD = 4400; // the page and the server are not of the same version
const CHANGED = 1012; // what the user may see: nothing that is shown counts

const badge = document.querySelector("[data-live][data-socket]");
let socket = null;
let failures = 0;
let lastMessageAt = serverNow();
let catchUps = 0;
let isComplete = false; // whether the page has been fetched since this connection began
let fetchedAt = 0; // when what is shown was asked for; 0 is when the page was
let delay = null;
let polling = null;
let isAnswered = false; // whether a poll has been, since polling began
let shortestTrip = Infinity; // the shortest way there and back so far, the best measure of the clocks
let connectingSince = 0;
let retrying = 0;
let problem = ""; // why there is no point in connecting again
let limit = 0; // how many rows are told of, when that is not all of them

const emit = (name, detail) =>
  document.body.dispatchEvent(new CustomEvent(`live:${name}`, { detail }));

const clockText = (milliseconds) =>
  new Date(milliseconds).toLocaleTimeString("en-GB", {
    timeZone: document.documentElement.dataset.zone || undefined,
  });

const limited = () => (limit ? ` · first ${limit.toLocaleString("en")} rows` : "");

const words = {
  waiting: () => ["Connecting", ""],
  live: () => ["Live", `${delay === null ? "" : ` · ${Math.max(1, Math.round(delay))} ms`}${limited()}`],
  lag: () => ["Catching up", catchUps || delay === null ? "" : ` · ${(delay / 1000).toFixed(1)} s`],
  poll: () => ["Polling", ` every ${POLL / 1000} s`],
  stale: () => (problem ? [problem, ""] : ["Stale", ` since ${clockText(lastMessageAt)}`]),
};

function stateNow() {
  if (problem) return "stale";
  if (socket?.readyState === WebSocket.OPEN && serverNow() - lastMessageAt < SILENCE) {
    return catchUps || !isComplete || (delay ?? 0) > LATE ? "lag" : "live";
  }
  if (polling && isAnswered && serverNow() - lastMessageAt < 3 * POLL) return "poll";
  return badge.dataset.state === "waiting" && failures === 0 && serverNow() - lastMessageAt < SILENCE
    ? "waiting"
    : "stale";
}

function updateBadge() {
  const state = stateNow();
  const [word, detail] = words[state]();
  const before = badge.dataset.state;
  badge.querySelector("[data-live-word]").textContent = word;
  badge.querySelector("[data-live-detail]").textContent = detail;
  if (state === before) return;
  badge.dataset.state = state;
  document.body.classList.toggle("stale-page", state === "stale");
  haltClock(state === "stale");
  if (state !== "lag" && before !== "waiting" && before !== "lag") announce(word + detail);
  emit("state", state);
}

/** Say that only the first rows of the page are live; 0: all of them are. */
export function showRowLimit(rows) {
  if (limit === rows) return;
  limit = rows;
  updateBadge();
}

/** Ask the page to fetch again what it shows; the badge says so until that is done. */
export async function catchUp() {
  const promises = [];
  const began = performance.now();
  emit("catchup", { until: (promise) => promises.push(promise) });
  catchUps += 1;
  updateBadge();
  const results = await Promise.allSettled(promises);
  catchUps -= 1;
  isComplete = true;
  const isFetched = results.every((result) => result.status === "fulfilled");
  if (isFetched) fetchedAt = began;
  if (polling && isFetched) {
    lastMessageAt = serverNow();
    isAnswered = true;
  }
  updateBadge();
}

function measure(frame) {
  const now = performance.now();
  const roundTrip = now - frame.sent;
  if (roundTrip <= shortestTrip * 1.2) {
    shortestTrip = Math.min(shortestTrip, roundTrip);
    setServerNow(frame.precise + roundTrip / 2);
  }
}

function onMessage(event) {
  const frame = JSON.parse(event.data);
  if (frame.type === "refused") {
    disconnect(NOT_UNDERSTOOD); // else it would go on as if it had been heard
    return;
  }
  if (frame.type === "pong") measure(frame);
  lastMessageAt = serverNow(); // after a pong, which may have set the clock
  if (frame.type === "catchup") setTimeout(catchUp, Math.random() * (frame.within ?? 0));
  else if (frame.type !== "pong") {
    if (frame.type === "complete") isComplete = true;
    emit(frame.type, frame);
  }
  if (frame.published) delay = serverNow() - frame.published;
  if (frame.type === "beat") ping();
  updateBadge();
}

function send(object) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(object));
}

const ping = () => send({ type: "ping", sent: performance.now() });

function onOpen() {
  failures = 0;
  shortestTrip = Infinity;
  lastMessageAt = serverNow();
  clearInterval(polling);
  polling = null;
  // Not at once: while the server is busy connecting, the way there and back measures that.
  for (const wait of [300, 900]) setTimeout(ping, wait);
  emit("open", { send });
  updateBadge();
}

function onClose(event) {
  socket = null;
  delay = null;
  isComplete = false;
  failures += 1;
  if (event.code === SIGNED_OUT) problem = "Signed out: reload";
  if (event.code === NOT_FOUND) problem = "Gone";
  if (event.code === NOT_UNDERSTOOD) problem = "Out of date: reload";
  if (event.code === CHANGED) fetchedAt = -Infinity;
  updateBadge();
  if (problem) return;
  if (failures >= 2 && !polling) {
    // Refused, or the server is away: ask by HTTP while the socket keeps trying.
    polling = setInterval(catchUp, POLL);
    isAnswered = false;
    catchUp();
  }
  const wait = Math.min(500 * 2 ** (failures - 1), 15_000);
  retrying = setTimeout(connect, wait * (0.75 + Math.random() / 2));
}

/** Give up a socket without waiting for a farewell that a dead line never brings. */
function disconnect(code = 0) {
  const silent = socket;
  silent.onopen = silent.onmessage = silent.onclose = null;
  silent.close();
  onClose({ code });
}

/** The machine or the tab has slept, or the network was away: what is shown may be old, and the
    socket may be dead without knowing it. */
function resume() {
  shortestTrip = Infinity;
  if (!socket) {
    connect();
    return;
  }
  const askedAt = lastMessageAt;
  ping();
  catchUp();
  const asked = socket;
  setTimeout(() => socket === asked && lastMessageAt === askedAt && disconnect(), ANSWER);
}

/** Browsers keep no page for Back that has a connection. What they keep does not say that it is live. */
function suspend() {
  clearTimeout(retrying);
  clearInterval(polling);
  polling = null;
  if (socket) {
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    socket = null;
  }
  delay = null;
  isComplete = false;
  failures = 0;
  lastMessageAt = serverNow();
  if (!problem) badge.dataset.state = "waiting";
  updateBadge();
}

function connect() {
  if (socket || problem) return;
  clearTimeout(retrying);
  const url = new URL(badge.dataset.socket, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.search = location.search;
  // Old enough, and the server has the page fetched again; else it tells what has changed since.
  const age = Math.ceil(performance.now() - fetchedAt);
  url.searchParams.set("age", String(age));
  const pageWritten = document.documentElement.dataset.now ?? "";
  url.searchParams.set("written", fetchedAt ? String(serverNow() - age) : pageWritten);
  socket = new WebSocket(url);
  connectingSince = serverNow();
  socket.onopen = onOpen;
  socket.onmessage = onMessage;
  socket.onclose = onClose;
}

if (badge) {
  connect();
  let tickedAt = Date.now();
  setInterval(() => {
    const slept = Date.now() - tickedAt > 5000 && !document.hidden; // hidden tabs tick rarely
    tickedAt = Date.now();
    if (slept) resume();
    updateBadge();
    // A socket that went silent is not trusted: closing it connects again, and catches up.
    if (socket && serverNow() - Math.max(lastMessageAt, connectingSince) > SILENCE) disconnect();
  }, 1000);
  let hiddenAt = 0;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hiddenAt = Date.now();
    else if (Date.now() - hiddenAt > 30_000) resume();
    tickedAt = Date.now();
  });
  addEventListener("offline", () => socket && disconnect());
  addEventListener("online", resume);
  addEventListener("pagehide", suspend);
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    tickedAt = Date.now();
    lastMessageAt = serverNow();
    connect();
  });
}
