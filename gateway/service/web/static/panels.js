// The parts of the page beside the trace: the list of nights, the indices, the list of desaturations.

import { find, make } from "./dom.js";
import { age, clock, clockSeconds, duration, nightName, nightShort, number, zoneName } from "./words.js";

const STALE_MS = 2 * 60_000; // a live stream flushes every 2 s: after two minutes something is wrong
const STATES = { running: "Running", closed: "Complete", revised: "Complete, revised" };
const MAIN = [
  ["ODI 4 %", "odi4", "/h", 1, "Desaturations of 4 % or more an hour of valid recording"],
  ["ODI 3 %", "odi3", "/h", 1, "Desaturations of 3 % or more an hour of valid recording"],
  ["T90", "t90_pct", "%", 1, "Share of valid time with SpO2 below 90 %"],
  ["Mean SpO₂", "mean_spo2", "%", 1, "Mean of the valid samples"],
  ["Lowest SpO₂", "min_spo2", "%", 0, "Lowest valid sample"],
];

export const keyOf = (night) => `${night.device}/${night.night}`;

const isStale = (night, nowMs) => night.state === "running" && nowMs - night.end_ms > STALE_MS;

export function showNights(nights, current, nowMs, open) {
  find("nights-empty").hidden = nights.length > 0;
  const had = document.activeElement?.dataset?.key;
  find("nights").replaceChildren(...nights.map((night) => {
    const date = make("span", { class: "date" }, nightShort(night.night));
    if (night.state === "running") {
      const said = isStale(night, nowMs) ? "running, no new data" : "running";
      date.append(make("span", { class: isStale(night, nowMs) ? "live stale" : "live", title: said, role: "img", "aria-label": said }));
    }
    const button = make("button", { type: "button", "data-key": keyOf(night), "aria-current": String(keyOf(night) === current) },
      date,
      make("span", { class: "value" }, number(night.indices.odi4)),
      make("span", { class: "what" }, night.device),
      make("span", { class: "what" }, "ODI 4 %"));
    button.addEventListener("click", () => open(keyOf(night)));
    return make("li", {}, button);
  }));
  if (had) document.querySelector(`#nights [data-key="${CSS.escape(had)}"]`)?.focus();
}

export function showHead(night, nowMs) {
  const running = night.state === "running";
  const { zone, start_ms: start, end_ms: end } = night;
  find("title").textContent = `Night of ${nightName(night.night)}`;
  find("subtitle").textContent = `${night.device} · ${clock(start, zone)} ${zoneName(start, zone)} to ${clock(end, zone)} ${zoneName(end, zone)} · ${zone}`;
  const chip = find("freshness");
  const stale = isStale(night, nowMs);
  chip.className = `chip ${stale ? "stale" : night.state}`;
  chip.textContent = running ? `${stale ? "No new data" : STATES.running} · last sample ${age(nowMs - end)}` : STATES[night.state];
  document.title = `${nightShort(night.night)} · somnolink`;
}

export function showIndices(night) {
  const tile = (label, value, unit, hint) => make("div", { title: hint }, make("dt", {}, label), make("dd", {}, value, make("small", {}, unit)));
  const tiles = MAIN.map(([label, name, unit, digits, hint]) => tile(label, number(night.indices[name], digits), unit, hint));
  tiles.push(tile("Valid", number(night.valid_s / 3600), "h", "Hours with a valid SpO2"));
  find("indices").replaceChildren(...tiles);
  const soFar = night.state === "running" ? " So far: the night is still running." : "";
  find("analysis").textContent = `Analysis profile ${night.profile}, version ${night.version}.${soFar}`;
}

/** @param choose called with a desaturation that was picked */
export function showFalls(falls, night, order, chosen, choose) {
  const sorted = order === "depth" ? [...falls].sort((a, b) => b.depth - a.depth || a.start_ms - b.start_ms) : falls;
  find("falls-title").textContent = `${falls.length} desaturation${falls.length === 1 ? "" : "s"}`;
  find("falls-empty").hidden = falls.length > 0;
  find("falls-box").hidden = falls.length === 0;
  find("by-time").setAttribute("aria-pressed", String(order !== "depth"));
  find("by-depth").setAttribute("aria-pressed", String(order === "depth"));
  const had = document.activeElement?.dataset?.fall;
  find("falls").replaceChildren(...sorted.map((fall) => {
    const time = clockSeconds(fall.nadir_ms, night.zone);
    const row = make("tr", { class: fall.start_ms === chosen ? "chosen" : "" },
      make("td", {}, make("button", { type: "button", "data-fall": fall.start_ms, title: "Show in the trace" }, time)),
      make("td", { class: fall.depth >= 4 ? "deep" : "" }, `${number(fall.depth)} %`),
      make("td", {}, `${number(fall.nadir, 0)} %`),
      make("td", { class: "wide" }, `${number(fall.baseline)} %`),
      make("td", {}, duration(fall.end_ms - fall.start_ms)),
      make("td", { class: "wide" }, `${number(fall.area, 0)} %·s`),
      make("td", { class: "wide" }, number(fall.confidence, 2)));
    row.addEventListener("click", () => choose(fall));
    return row;
  }));
  if (had) document.querySelector(`[data-fall="${CSS.escape(had)}"]`)?.focus();
}
