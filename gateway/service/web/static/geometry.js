// Where things are on the trace.

export function line(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}

export function level(lane, value) {
  return lane.top + lane.height * (1 - (value - lane.low) / (lane.high - lane.low));
}

/** A lane's range: whole steps around the values, and never narrower than [low, high], so that a calm night looks calm. */
export function range(values, step, low, high) {
  const known = (values ?? []).filter((value) => value !== null);
  const least = known.reduce((one, other) => Math.min(one, other), low);
  const most = known.reduce((one, other) => Math.max(one, other), high);
  const [bottom, top] = [Math.floor(least / step) * step, Math.ceil(most / step) * step];
  return { low: bottom, high: top, step: step * Math.ceil((top - bottom) / step / 6) };
}

/** Place of the value next to `wanted`; `sorted` holds at least one. */
export function nearest(sorted, wanted) {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low > 0 && wanted - sorted[low - 1] < sorted[low] - wanted ? low - 1 : low;
}
