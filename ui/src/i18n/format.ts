/** Numbers, times and sizes in the language of the page. */
import { getLocale } from '../paraglide/runtime.js';
import { m } from '../paraglide/messages.js';

/** The person's own region, when it speaks the language of the page: "en-GB" rather than plain "en". */
function region(): string {
  const locale = getLocale();
  return navigator.languages.find((one) => one === locale || one.startsWith(`${locale}-`)) ?? locale;
}

const cached = new Map<string, Intl.DateTimeFormat>();

function dates(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${region()} ${name}`;
  let found = cached.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(region(), options);
    cached.set(key, found);
  }
  return found;
}

export function number(value: number): string {
  return value.toLocaleString(region());
}

export function memory(bytes: number): string {
  const mebi = bytes / (1024 * 1024);
  return m.unit_mib({ amount: mebi < 10 ? mebi.toFixed(1) : Math.round(mebi).toString() });
}

export function milliseconds(ms: number): string {
  if (ms < 1000) return m.unit_ms({ amount: Math.round(ms).toString() });
  return m.unit_s({ amount: (ms / 1000).toFixed(ms < 10_000 ? 1 : 0) });
}

/** "12 s", "4 min", "3 h", "2 d": how long something has lasted. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return m.unit_s({ amount: String(seconds) });
  if (seconds < 3600) return m.unit_min({ amount: String(Math.floor(seconds / 60)) });
  if (seconds < 86_400) return m.unit_h({ amount: String(Math.floor(seconds / 3600)) });
  return m.unit_d({ amount: String(Math.floor(seconds / 86_400)) });
}

export function clock(at: number): string {
  return dates('clock', { hour: '2-digit', minute: '2-digit' }).format(at);
}

export function clockSeconds(at: number): string {
  return dates('seconds', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hour12: false }).format(at);
}

export function moment(at: number): string {
  return dates('moment', { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }).format(at);
}

/** A day for old things, a clock for today's. */
export function dayOrClock(at: number, now: number): string {
  const same = new Date(at).toDateString() === new Date(now).toDateString();
  return same ? clock(at) : dates('day', { day: 'numeric', month: 'short' }).format(at);
}
