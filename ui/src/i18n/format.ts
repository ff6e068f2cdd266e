/** Numbers, times and sizes in the language of the page. */
import { language } from './language.svelte';

type Format = Intl.DateTimeFormat | Intl.NumberFormat | Intl.ListFormat | Intl.RelativeTimeFormat;
const cached = new Map<string, Format>();

/** Making one is slow, and lists ask for hundreds. */
function kept<T extends Format>(name: string, make: (region: string) => T): T {
  const { region } = language;
  const key = `${region} ${name}`;
  let found = cached.get(key) as T | undefined;
  if (!found) {
    found = make(region);
    cached.set(key, found);
  }
  return found;
}

function dates(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return kept(name, (region) => new Intl.DateTimeFormat(region, options));
}

type Unit = 'millisecond' | 'second' | 'minute' | 'hour' | 'day' | 'kilobyte' | 'megabyte' | 'gigabyte';

function amount(value: number, unit: Unit, digits = 0): string {
  // "2 days": the short form of days is one letter or an odd word in some languages.
  const unitDisplay = unit === 'day' ? 'long' : 'short';
  const options = { style: 'unit', unit, unitDisplay, minimumFractionDigits: digits, maximumFractionDigits: digits } as const;
  return kept(`${unit} ${digits}`, (region) => new Intl.NumberFormat(region, options)).format(value);
}

export function number(value: number): string {
  return kept('number', (region) => new Intl.NumberFormat(region)).format(value);
}

/** "48 MB": decimal, as the system's own monitors count. */
export function bytes(count: number): string {
  if (count < 1e6) return amount(count / 1e3, 'kilobyte', count < 1e4 ? 1 : 0);
  if (count < 1e9) return amount(count / 1e6, 'megabyte', count < 1e7 ? 1 : 0);
  return amount(count / 1e9, 'gigabyte', 1);
}

/** "840 ms", "1.2 sec", "12 sec": how long something took. */
export function milliseconds(ms: number): string {
  if (ms < 1000) return amount(Math.round(ms), 'millisecond');
  return amount(ms / 1000, 'second', ms < 10_000 ? 1 : 0);
}

/** "12 sec", "4 min", "3 hr", "2 days": how long something has lasted, in whole units. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return amount(seconds, 'second');
  if (seconds < 3600) return amount(Math.floor(seconds / 60), 'minute');
  if (seconds < 86_400) return amount(Math.floor(seconds / 3600), 'hour');
  return amount(Math.floor(seconds / 86_400), 'day');
}

/** "4 min. ago", "in 4 min.": how far a moment is from now, in whole units. */
export function fromNow(at: number, now: number): string {
  const seconds = Math.trunc((at - now) / 1000);
  const [size, unit] = ([[86_400, 'day'], [3600, 'hour'], [60, 'minute']] as const).find(([size]) => Math.abs(seconds) >= size) ?? ([1, 'second'] as const);
  return kept('fromNow', (region) => new Intl.RelativeTimeFormat(region, { style: 'short' })).format(Math.trunc(seconds / size), unit);
}

/** A whole number of minutes, hours or days. */
export function span(count: number, unit: 'minutes' | 'hours' | 'days'): string {
  return amount(count, ({ minutes: 'minute', hours: 'hour', days: 'day' } as const)[unit]);
}

/** "a, b, c": names beside each other, as the language puts them. */
export function list(parts: readonly string[]): string {
  return kept('list', (region) => new Intl.ListFormat(region, { type: 'conjunction', style: 'narrow' })).format(parts);
}

export function clock(at: number): string {
  return dates('clock', { hour: '2-digit', minute: '2-digit' }).format(at);
}

/** For logs: always 24 hours, so that lines stand below each other. */
export function clockSeconds(at: number): string {
  return dates('seconds', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' }).format(at);
}

export function moment(at: number): string {
  return dates('moment', { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }).format(at);
}

/** A day for old things, a clock for today's. */
export function dayOrClock(at: number, now: number): string {
  const same = new Date(at).toDateString() === new Date(now).toDateString();
  return same ? clock(at) : dates('day', { day: 'numeric', month: 'short' }).format(at);
}

/** A calendar day, `2026-11-20`, as people name it. */
export function dayName(date: string): string {
  const [year, month, day] = date.split('-').map(Number);
  return dates('dayName', { weekday: 'short', day: 'numeric', month: 'short' }).format(new Date(year!, month! - 1, day));
}

/** Prices of providers are in US dollars. */
export function money(dollars: number): string {
  const digits = dollars > 0 && dollars < 0.1 ? 4 : 2;
  return kept(`money ${digits}`, (region) => new Intl.NumberFormat(region, { style: 'currency', currency: 'USD', maximumFractionDigits: digits })).format(dollars);
}
