// The page: signs in, follows the nights, and keeps the open night fresh while it runs.

import { SignInNeeded, ask, token } from "./api.js";
import { find } from "./dom.js";
import { keyOf, showFalls, showHead, showIndices, showNights } from "./panels.js";
import { Trace } from "./trace.js";
import { clock } from "./words.js";

const REFRESH_MS = 5_000;
const LIST_REFRESH_MS = 30_000;
const MARGIN = 0.01; // of the night's length, on both sides

const state = { nights: [], key: null, night: null, falls: [], order: "time", lastGood: 0, skew: 0 };
let pending = null;
let debounce = 0;
let generation = 0;

const trace = new Trace(find("trace"), find("readout"), () => {
  clearTimeout(debounce);
  debounce = setTimeout(() => guard(loadSamples), 90);
  showZoom();
});

/** Service time: a browser's clock may be wrong. */
const now = () => Date.now() + state.skew;

function only(id) {
  for (const part of ["loading", "blank", "night"]) find(part).hidden = part !== id;
}

function showZoom() {
  const whole = trace.isWhole();
  for (const id of ["reset", "zoom-out", "earlier", "later"]) find(id).disabled = whole;
}

function signIn(message = "") {
  token.forget();
  generation += 1;
  pending?.abort();
  Object.assign(state, { nights: [], night: null, falls: [], lastGood: 0 });
  trace.clear();
  for (const id of ["nights", "falls", "indices", "title", "subtitle", "freshness"]) find(id).replaceChildren();
  document.title = "somnolink";
  find("shell").hidden = true;
  find("sign-out").hidden = true;
  find("sign-in").hidden = false;
  find("sign-in-error").textContent = message;
  find("token").value = "";
  find("token").focus();
}

/** Runs a loader; what goes wrong is shown, and what was shown before stays, marked as old. */
async function guard(load) {
  const mine = generation;
  try {
    await load();
    if (mine !== generation) return;
    state.lastGood = Date.now();
    find("connection").hidden = true;
  } catch (error) {
    if (error.name === "AbortError" || mine !== generation) return;
    if (error instanceof SignInNeeded) {
      signIn(error.message);
      return;
    }
    const zone = state.night?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
    const since = state.lastGood ? ` What is shown was loaded at ${clock(state.lastGood, zone)}.` : "";
    find("connection").textContent = `${error.message}${since} Trying again.`;
    find("connection").hidden = false;
    find("loading").hidden = true;
  }
}

async function loadNights() {
  const answer = await ask("nights");
  state.nights = answer.nights;
  state.skew = answer.now_ms - Date.now();
  const known = state.nights.map(keyOf);
  if (!known.includes(state.key)) state.key = known[0] ?? null;
  showNights(state.nights, state.key, now(), open);
  if (state.key === null) only("blank");
}

async function loadNight() {
  if (state.key === null) return;
  const key = state.key;
  const [night, found] = await Promise.all([ask(`nights/${key}`), ask(`nights/${key}/desaturations`)]);
  if (key !== state.key) return;
  state.skew = night.now_ms - Date.now();
  state.night = night;
  state.falls = found.desaturations;
  const margin = Math.max((night.end_ms - night.start_ms) * MARGIN, 30_000);
  trace.setNight({ key, zone: night.zone, from: night.start_ms - margin, to: night.end_ms + margin });
  only("night");
  showHead(night, now());
  showIndices(night);
  showDesaturations();
  trace.setFalls(state.falls);
  showZoom();
  await loadSamples();
}

async function loadSamples() {
  pending?.abort();
  pending = new AbortController();
  const { from, to } = trace.view;
  const margin = (to - from) * 0.02;
  const samples = await ask(`nights/${state.key}/samples`, {
    columns: "spo2,pulse",
    points: Math.max(1000, 4 * Math.round(find("trace").clientWidth)),
    start_ms: Math.max(0, Math.floor(from - margin)),
    end_ms: Math.ceil(to + margin),
  }, pending.signal);
  trace.setSamples(samples);
}

function showDesaturations() {
  showFalls(state.falls, state.night, state.order, trace.chosen, (fall) => {
    trace.chosen = fall.start_ms;
    const around = Math.max(60_000, fall.end_ms - fall.start_ms);
    trace.show(fall.start_ms - around, fall.end_ms + around);
    showDesaturations();
  });
}

function open(key) {
  state.key = key;
  state.night = null;
  trace.samples = null;
  trace.chosen = null;
  trace.setFalls([]);
  history.replaceState(null, "", `#night=${key}`);
  showNights(state.nights, key, now(), open);
  only("loading");
  guard(loadNight);
}

function order(by) {
  state.order = by;
  showDesaturations();
}

async function start() {
  const mine = ++generation;
  find("sign-in").hidden = true;
  find("shell").hidden = false;
  find("sign-out").hidden = false;
  only("loading");
  await guard(loadNights);
  await guard(loadNight);
  follow(mine);
}

/** Keeps asking while this sign-in lasts: a running night often, the list of nights now and then. */
function follow(mine) {
  let listed = Date.now();
  const tick = async () => {
    if (mine !== generation) return;
    const failed = !find("connection").hidden;
    if (!document.hidden) {
      if (failed || Date.now() - listed >= LIST_REFRESH_MS || state.key === null) {
        listed = Date.now();
        await guard(loadNights);
      }
      if (failed || state.night === null || state.night.state === "running") await guard(loadNight);
    }
    if (state.night && mine === generation) showHead(state.night, now());
    setTimeout(tick, REFRESH_MS);
  };
  setTimeout(tick, REFRESH_MS);
}

/** `#token=...&night=DEVICE/DATE`: the token is taken out of the address at once. */
function readFragment() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (given.has("token")) token.set(given.get("token"));
  if (given.has("night")) state.key = given.get("night");
  history.replaceState(null, "", state.key ? `#night=${state.key}` : location.pathname);
}

find("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  token.set(find("token").value.trim());
  start();
});
find("sign-out").addEventListener("click", () => signIn());
find("reset").addEventListener("click", () => trace.reset());
find("zoom-in").addEventListener("click", () => trace.zoom(0.5));
find("zoom-out").addEventListener("click", () => trace.zoom(2));
find("earlier").addEventListener("click", () => trace.pan(-0.5));
find("later").addEventListener("click", () => trace.pan(0.5));
find("by-time").addEventListener("click", () => order("time"));
find("by-depth").addEventListener("click", () => order("depth"));

readFragment();
if (token.get()) start();
else signIn();
