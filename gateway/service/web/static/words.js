// Times in a night's own zone, and numbers, as people read them.

const formats = new Map();

function format(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options }));
  return formats.get(key);
}

export const clock = (ms, zone) => format(zone, { hour: "2-digit", minute: "2-digit" }).format(ms);
export const clockSeconds = (ms, zone) => format(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(ms);

/** The abbreviation that holds at that moment, such as CEST: it tells the two passes of a folded hour apart. */
export function zoneName(ms, zone) {
  const parts = format(zone, { hour: "2-digit", timeZoneName: "short" }).formatToParts(ms);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
}

/** Milliseconds by which local time is ahead of UTC. */
export function offsetMs(ms, zone) {
  const parts = format(zone, { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
  const part = Object.fromEntries(parts.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const local = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
  return local - Math.floor(ms / 1000) * 1000;
}

/** A night's name: its evening and its morning. `night` is YYYY-MM-DD. */
export function nightName(night) {
  const evening = new Date(`${night}T00:00:00Z`);
  const morning = new Date(evening.getTime() + 86_400_000);
  const day = (date) => format("UTC", { weekday: "short", day: "numeric", month: "long" }).format(date);
  return `${day(evening)} to ${day(morning)} ${morning.getUTCFullYear()}`;
}

export const nightShort = (night) => format("UTC", { weekday: "short", day: "numeric", month: "short" }).format(new Date(`${night}T00:00:00Z`));

export const number = (value, digits = 1) => (value === null || value === undefined ? "–" : value.toFixed(digits));

export function duration(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export function age(ms) {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "less than a minute ago";
  if (minutes < 120) return `${minutes} min ago`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h ago` : `${Math.floor(minutes / 1440)} days ago`;
}
