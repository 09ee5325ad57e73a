// The night's trace on a canvas: SpO2 above, pulse below, one time axis, desaturations marked.

import { level, line, nearest, range } from "./geometry.js";
import { make } from "./dom.js";
import { clock, clockSeconds, offsetMs, zoneName } from "./words.js";

const LEFT = 40;
const RIGHT = 10;
const TOP = 10;
const AXIS = 26;
const BETWEEN = 22;
const STEPS_S = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600];
const NARROWEST_MS = 30_000;
const LIMIT = 90; // %, the line that T90 counts below

export class Trace {
  /** @param onView called with {from, to} whenever another part of the night is to be shown */
  constructor(canvas, readout, onView) {
    this.canvas = canvas;
    this.readout = readout;
    this.onView = onView;
    this.night = null;
    this.samples = null;
    this.falls = [];
    this.chosen = null;
    this.view = { from: 0, to: 1 };
    this.pointer = null;
    this.drag = null;
    this.#listen();
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Forgets the night and wipes its picture. */
  clear() {
    Object.assign(this, { night: null, samples: null, falls: [], chosen: null });
    this.canvas.width = 0;
    this.readout.hidden = true;
    this.readout.replaceChildren();
    this.canvas.removeAttribute("aria-label");
  }

  /** Another night, or the same one grown: a view of the whole stays a view of the whole. */
  setNight(night) {
    const whole = this.isWhole() || this.night?.key !== night.key;
    this.night = night;
    if (whole) this.view = { from: night.from, to: night.to };
  }

  setSamples(samples) {
    this.samples = samples;
    this.draw();
  }

  setFalls(falls) {
    this.falls = falls;
    this.draw();
  }

  isWhole() {
    return this.night !== null && this.view.from <= this.night.from && this.view.to >= this.night.to;
  }

  show(from, to) {
    const { from: first, to: last } = this.night;
    const width = Math.min(Math.max(to - from, NARROWEST_MS), last - first);
    const start = Math.min(Math.max((from + to - width) / 2, first), last - width);
    this.view = { from: Math.round(start), to: Math.round(start + width) };
    this.draw();
    this.onView(this.view);
  }

  zoom(factor, at = (this.view.from + this.view.to) / 2) {
    const { from, to } = this.view;
    const width = Math.min(Math.max((to - from) * factor, NARROWEST_MS), this.night.to - this.night.from);
    const part = (at - from) / (to - from);
    this.show(at - part * width, at + (1 - part) * width);
  }

  pan(part) {
    const by = (this.view.to - this.view.from) * part;
    this.show(this.view.from + by, this.view.to + by);
  }

  reset() {
    this.show(this.night.from, this.night.to);
  }

  #listen() {
    const { canvas } = this;
    const place = (event) => event.clientX - canvas.getBoundingClientRect().left;
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.night || event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.drag = { from: place(event), to: place(event) };
    });
    canvas.addEventListener("pointermove", (event) => {
      this.pointer = place(event);
      if (this.drag) this.drag.to = this.pointer;
      this.draw();
    });
    canvas.addEventListener("pointerup", () => {
      const { drag } = this;
      this.drag = null;
      if (drag && Math.abs(drag.to - drag.from) > 6) {
        const [a, b] = [this.#time(drag.from), this.#time(drag.to)].sort((one, other) => one - other);
        this.show(a, b);
      } else {
        this.draw();
      }
    });
    for (const name of ["pointerleave", "pointercancel"]) {
      canvas.addEventListener(name, () => {
        this.pointer = null;
        this.drag = null;
        this.draw();
      });
    }
    canvas.addEventListener("dblclick", () => this.night && this.reset());
    canvas.addEventListener("wheel", (event) => {
      if (!this.night || event.deltaY === 0) return;
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.#time(place(event)));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const act = {
        ArrowLeft: () => this.pan(-0.2),
        ArrowRight: () => this.pan(0.2),
        "+": () => this.zoom(0.5),
        "=": () => this.zoom(0.5),
        "-": () => this.zoom(2),
        0: () => this.reset(),
        Escape: () => this.reset(),
      }[event.key];
      if (!this.night || !act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
  }

  #x(ms) {
    return LEFT + ((ms - this.view.from) / (this.view.to - this.view.from)) * (this.canvas.clientWidth - LEFT - RIGHT);
  }

  #time(x) {
    const part = (x - LEFT) / (this.canvas.clientWidth - LEFT - RIGHT);
    return this.view.from + Math.min(Math.max(part, 0), 1) * (this.view.to - this.view.from);
  }

  draw() {
    const { canvas, night } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!night || width === 0) return;
    const scale = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = `11.5px ${style.fontFamily}`;
    const room = height - TOP - AXIS - BETWEEN;
    const spo2 = { name: "spo2", unit: "%", top: TOP, height: room * 0.62, ...range(this.samples?.columns.spo2, 5, 85, 100) };
    const pulse = { name: "pulse", unit: "bpm", top: TOP + room * 0.62 + BETWEEN, height: room * 0.38, ...range(this.samples?.columns.pulse, 10, 50, 80) };

    this.#ticks(pen, colour, [spo2, pulse], width, height);
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, width - LEFT - RIGHT, height - AXIS);
    pen.clip();
    this.#limit(pen, colour, spo2, width);
    this.#falls(pen, colour, spo2);
    for (const lane of [spo2, pulse]) this.#line(pen, colour(lane.name), lane);
    this.#nadirs(pen, colour, spo2);
    this.#selection(pen, colour, height);
    pen.restore();
    this.#point(pen, colour, [spo2, pulse], height);
    canvas.setAttribute("aria-label", this.#spoken());
  }

  #ticks(pen, colour, lanes, width, height) {
    pen.lineWidth = 1;
    pen.textBaseline = "middle";
    for (const lane of lanes) {
      pen.textAlign = "right";
      for (let value = lane.low; value <= lane.high; value += lane.step) {
        const y = Math.round(level(lane, value)) + 0.5;
        pen.strokeStyle = colour("grid");
        line(pen, LEFT, y, width - RIGHT, y);
        pen.fillStyle = colour("muted");
        pen.fillText(String(value), LEFT - 7, y);
      }
      pen.textAlign = "left";
      pen.textBaseline = "bottom";
      pen.fillText(lane.name === "spo2" ? "SpO₂ %" : "Pulse bpm", LEFT + 5, lane.top + lane.height - 3);
      pen.textBaseline = "middle";
    }
    const { from, to } = this.view;
    const perPixel = (to - from) / 1000 / (width - LEFT - RIGHT);
    const step = 1000 * (STEPS_S.find((one) => one >= perPixel * (one < 60 ? 74 : 54)) ?? 43_200);
    const ahead = offsetMs(from, this.night.zone);
    const write = step < 60_000 ? clockSeconds : clock;
    pen.textAlign = "center";
    for (let at = Math.ceil((from + ahead) / step) * step - ahead; at <= to; at += step) {
      const x = Math.round(this.#x(at)) + 0.5;
      pen.strokeStyle = colour("grid");
      line(pen, x, TOP, x, height - AXIS);
      if (x < LEFT + 14 || x > width - RIGHT - 14) continue;
      pen.fillStyle = colour("muted");
      pen.fillText(write(at, this.night.zone), x, height - AXIS / 2 + 1);
    }
  }

  #limit(pen, colour, lane, width) {
    const y = Math.round(level(lane, LIMIT)) + 0.5;
    pen.fillStyle = colour("low");
    pen.fillRect(LEFT, y, width - LEFT - RIGHT, lane.top + lane.height - y);
    pen.strokeStyle = colour("limit");
    pen.setLineDash([4, 4]);
    line(pen, LEFT, y, width - RIGHT, y);
    pen.setLineDash([]);
  }

  #falls(pen, colour, lane) {
    for (const fall of this.#visible()) {
      const [left, right] = [this.#x(fall.start_ms), this.#x(fall.end_ms)];
      pen.fillStyle = colour("fall-soft");
      pen.fillRect(left, lane.top, Math.max(right - left, 1.5), lane.height);
      if (fall.start_ms === this.chosen) {
        pen.strokeStyle = colour("fall");
        pen.lineWidth = 1.5;
        pen.strokeRect(left, lane.top, Math.max(right - left, 1.5), lane.height);
      }
    }
  }

  #nadirs(pen, colour, lane) {
    pen.fillStyle = colour("fall");
    for (const fall of this.#visible()) {
      const [x, y] = [this.#x(fall.nadir_ms), level(lane, fall.nadir)];
      pen.beginPath();
      pen.moveTo(x, y + 2);
      pen.lineTo(x - 3.5, y + 8);
      pen.lineTo(x + 3.5, y + 8);
      pen.fill();
    }
  }

  #line(pen, ink, lane) {
    const { samples } = this;
    if (!samples) return;
    const values = samples.columns[lane.name];
    const gap = 2 * samples.bucket_ms + 2.5 * (samples.interval_ms ?? 1000);
    pen.strokeStyle = ink;
    pen.lineWidth = 1.25;
    pen.lineJoin = "round";
    pen.beginPath();
    let last = null;
    samples.t_ms.forEach((at, index) => {
      const value = values[index];
      if (value === null) {
        last = null;
        return;
      }
      const [x, y] = [this.#x(at), level(lane, value)];
      if (last === null || at - last > gap) pen.moveTo(x, y);
      else pen.lineTo(x, y);
      last = at;
    });
    pen.stroke();
  }

  #selection(pen, colour, height) {
    if (!this.drag) return;
    pen.fillStyle = colour("accent");
    pen.globalAlpha = 0.18;
    pen.fillRect(this.drag.from, 0, this.drag.to - this.drag.from, height - AXIS);
    pen.globalAlpha = 1;
  }

  #point(pen, colour, lanes, height) {
    const { pointer, samples, readout } = this;
    const hidden = pointer === null || !samples?.t_ms.length || pointer < LEFT || pointer > this.canvas.clientWidth - RIGHT;
    readout.hidden = hidden;
    if (hidden) return;
    const index = nearest(samples.t_ms, this.#time(pointer));
    const at = samples.t_ms[index];
    const x = this.#x(at);
    pen.strokeStyle = colour("muted");
    pen.lineWidth = 1;
    line(pen, x, TOP, x, height - AXIS);
    const said = [make("b", {}, `${clockSeconds(at, this.night.zone)} ${zoneName(at, this.night.zone)}`)];
    for (const lane of lanes) {
      const value = samples.columns[lane.name][index];
      said.push(make("span", { class: lane.name }, value === null ? "no value" : `${value} ${lane.unit}`));
      if (value === null) continue;
      pen.fillStyle = colour(lane.name);
      pen.beginPath();
      pen.arc(x, level(lane, value), 3.5, 0, 7);
      pen.fill();
    }
    readout.replaceChildren(...said);
    const room = this.canvas.clientWidth - readout.offsetWidth;
    const left = x + 12 > room ? x - readout.offsetWidth - 12 : x + 12;
    readout.style.transform = `translate(${Math.max(0, Math.min(left, room))}px, 6px)`;
  }

  #visible() {
    return this.falls.filter((fall) => fall.end_ms >= this.view.from && fall.start_ms <= this.view.to);
  }

  #spoken() {
    const { zone } = this.night;
    const count = this.#visible().length;
    return `SpO2 and pulse from ${clock(this.view.from, zone)} to ${clock(this.view.to, zone)}, ${count} desaturation${count === 1 ? "" : "s"} marked`;
  }
}
