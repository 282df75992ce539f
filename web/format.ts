/** Numbers, sizes and times as people read them. Everything is in English, tabular and without ambiguity. */

const INTEGER = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });

export function formatCount(value: number): string {
  return INTEGER.format(value);
}

/** `digits` after the point; an absent value is a dash. */
export function formatFixed(value: number | undefined, digits: number): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  const text = value.toFixed(digits);
  // No minus before a zero.
  return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '−');
}

/** Four significant digits, with an exponent where the plain number would be long. */
export function formatFlux(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  const text = size >= 1e6 || size < 1e-3 ? value.toExponential(3) : value.toPrecision(4);
  return text.replaceAll('-', '−');
}

/** A number that a person has set: as short as it was written. */
export function formatPlain(value: number): string {
  return String(Number(value.toPrecision(6))).replaceAll('-', '−');
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

/** `0.4 s`, `42 s`, `3 min 05 s`, `2 h 07 min`, `3 d 4 h`. */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  const two = (value: number) => String(value).padStart(2, '0');
  if (minutes < 60) return `${minutes} min ${two(whole % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${two(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** 0 to 100 with one digit where it says something; never 100 before everything is done. */
export function formatPercent(done: number, total: number): string {
  if (total <= 0) return '0 %';
  if (done >= total) return '100 %';
  const percent = Math.min(99.9, (100 * done) / total);
  return `${percent < 10 ? percent.toFixed(1) : Math.floor(percent)} %`;
}

const DATE_TIME = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric',
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** In the reader's own time zone. */
export function formatDateTime(rfc3339: string): string {
  return DATE_TIME.format(new Date(rfc3339));
}

export function formatTime(rfc3339: string): string {
  return TIME.format(new Date(rfc3339));
}

/** `just now`, `5 min ago`, … and the date once it is longer than a day. */
export function formatAge(rfc3339: string, now: number): string {
  const seconds = (now - Date.parse(rfc3339)) / 1000;
  if (seconds < 45) return 'just now';
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  return formatDateTime(rfc3339);
}
