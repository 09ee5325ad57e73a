// What the page of a night does in the browser: reads out of the figure, zooms it, and says when contact is lost.
// Which part is looked at is told to the service, which sends the samples of it.
"use strict";

const somnolinkNight = (() => {
  const REFRESHED_MS = 20_000; // a night that is followed is brought up to date every 5 s
  const SETTLE_MS = 120;
  const NARROWEST_S = 30;
  let chart = null;
  let reported = "";
  let timer = 0;
  let order = "time";
  let refresh = null;
  let refreshedAt = performance.now();

  const night = () => document.querySelector("#night");
  const plot = () => document.querySelector("#night-plot");

  const colour = (name) => getComputedStyle(document.body).getPropertyValue(`--night-${name}`).trim()
    || getComputedStyle(document.body).getPropertyValue(`--sl-${name}`).trim();

  /** The time of day in the patient's zone, whatever the browser's; with the zone's name, as an hour may come twice. */
  function clock(second) {
    const { zone, noon } = night().dataset;
    const options = { timeZone: zone, hourCycle: "h23", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" };
    return new Intl.DateTimeFormat("en-GB", options).format(Number(noon) + second * 1000);
  }

  function readout(found, units) {
    const rows = found.filter(({ seriesId }) => seriesId in units).map(({ seriesId, value, marker }) => {
      const [label, unit, digits] = units[seriesId];
      const told = Number.isFinite(value[1]) ? `${value[1].toFixed(digits)} ${unit}` : "no value";
      return `<div>${marker}${label} <b data-curve="${seriesId}">${told}</b></div>`;
    });
    return `<div class="night-readout"><b>${clock(found[0].axisValue)}</b>${rows.join("")}</div>`;
  }

  function bounds() {
    const axis = chart.getOption().xAxis[0];
    return [axis.min, axis.max];
  }

  function view() {
    const { startValue, endValue } = chart.getOption().dataZoom[0];
    return [startValue, endValue];
  }

  function show(from, to) {
    const [low, high] = bounds();
    const width = Math.min(Math.max(to - from, NARROWEST_S), high - low);
    const start = Math.min(Math.max((from + to - width) / 2, low), high - width);
    chart.dispatchAction({ type: "dataZoom", startValue: start, endValue: start + width });
  }

  function zoom(factor) {
    const [from, to] = view();
    const [middle, half] = [(from + to) / 2, ((to - from) * factor) / 2];
    show(middle - half, middle + half);
  }

  function pan(part) {
    const [from, to] = view();
    const by = (to - from) * part;
    const [low, high] = bounds();
    const held = Math.min(Math.max(by, low - from), high - to);
    show(from + held, to + held);
  }

  const ACTS = {
    in: () => zoom(0.5),
    out: () => zoom(2),
    earlier: () => pan(-0.5),
    later: () => pan(0.5),
    whole: () => show(...bounds()),
  };
  const KEYS = { "+": "in", "=": "in", "-": "out", ArrowLeft: "earlier", ArrowRight: "later", 0: "whole", Escape: "whole" };

  /** Tells the service what is looked at, once it has settled. */
  function report(again = false) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const [[from, to], [low, high]] = [view(), bounds()];
      const whole = from <= low + 0.5 && to >= high - 0.5;
      for (const name of ["out", "earlier", "later", "whole"]) {
        const button = document.querySelector(`[data-act="${name}"]`);
        if (button) button.disabled = whole;
      }
      const detail = { from, to, whole, width: plot().clientWidth };
      const told = JSON.stringify(detail);
      if (told === reported && !again) return;
      reported = told;
      plot().dispatchEvent(new CustomEvent("nightview", { detail }));
    }, SETTLE_MS);
  }

  function choose(row) {
    for (const other of document.querySelectorAll(".night-falls tr.chosen")) other.classList.remove("chosen");
    row.classList.add("chosen");
    const [from, to] = [Number(row.dataset.from), Number(row.dataset.to)];
    const around = Math.max(60, to - from);
    show(from - around, to + around);
  }

  function sort() {
    const body = document.querySelector(".night-falls tbody");
    if (!body) return;
    const by = (row) => (order === "depth" ? -Number(row.dataset.depth) : 0);
    const start = (row) => Number(row.dataset.from);
    body.append(...[...body.rows].sort((one, other) => by(one) - by(other) || start(one) - start(other)));
    for (const button of document.querySelectorAll("[data-order]")) {
      button.setAttribute("aria-pressed", String(button.dataset.order === order));
    }
  }

  /** Dragging over a part of the figure shows it. */
  function listenToDrags() {
    const [zr, box] = [chart.getZr(), document.createElement("div")];
    box.className = "night-drag";
    box.hidden = true;
    plot().append(box);
    let from = null;
    const place = (event) => {
      const { left, right } = chart.getOption().grid[0];
      return Math.min(Math.max(event.offsetX, left), chart.getWidth() - right);
    };
    zr.on("mousedown", (event) => {
      if (chart.containPixel("grid", [event.offsetX, event.offsetY])) from = place(event);
    });
    zr.on("mousemove", (event) => {
      if (from === null) return;
      box.hidden = false;
      box.style.left = `${Math.min(from, place(event))}px`;
      box.style.width = `${Math.abs(place(event) - from)}px`;
    });
    const end = (event) => {
      const [begin, last] = [from, from === null ? null : place(event)];
      from = null;
      box.hidden = true;
      if (begin === null || Math.abs(last - begin) < 6) return;
      const times = [begin, last].map((x) => chart.convertFromPixel({ xAxisIndex: 0 }, x));
      show(Math.min(...times), Math.max(...times));
    };
    zr.on("mouseup", end);
    zr.on("globalout", () => {
      from = null;
      box.hidden = true;
    });
    zr.on("dblclick", () => ACTS.whole());
  }

  /** Old data must never look fresh: without news from the service the page says so, and from when its own are. */
  function watch() {
    const told = night();
    if (!told) return;
    if (told.dataset.refresh !== refresh) {
      refresh = told.dataset.refresh;
      refreshedAt = performance.now();
    }
    const silent = told.dataset.live === "true" && performance.now() - refreshedAt > REFRESHED_MS;
    told.classList.toggle("night-lost", silent || (Boolean(window.did_handshake) && window.socket?.connected === false));
  }

  async function start() {
    setInterval(watch, 1000);
    document.addEventListener("click", ({ target }) => {
      const button = target.closest?.("[data-act]");
      if (button && chart) ACTS[button.dataset.act]();
      const by = target.closest?.("[data-order]");
      if (by) {
        order = by.dataset.order;
        sort();
      }
      const row = target.closest?.(".night-falls tbody tr");
      if (row && chart) choose(row);
    });
    document.addEventListener("keydown", (event) => {
      const act = KEYS[event.key];
      if (!act || !chart || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target !== plot()) return;
      event.preventDefault();
      ACTS[act]();
    });
    const { echarts } = await import("nicegui-echart");
    while (!chart) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const place = document.querySelector(".night-chart");
      if (place) chart = echarts.getInstanceByDom(place) ?? null;
    }
    const drawn = () => {
      plot().dataset.drawn = String(Number(plot().dataset.drawn ?? 0) + 1);
    };
    chart.on("finished", drawn);
    if (chart.getOption()?.series?.length) drawn();
    chart.on("datazoom", () => report());
    listenToDrags();
    new ResizeObserver(() => report()).observe(plot());
    new MutationObserver(() => report(true)).observe(document.body, { attributeFilter: ["class"] });
    const list = document.querySelector("#night-list");
    if (list) new MutationObserver(() => order === "time" || sort()).observe(list, { childList: true, subtree: false });
  }

  window.addEventListener("DOMContentLoaded", start);
  return { colour, readout };
})();
