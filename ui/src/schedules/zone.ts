/** Wall clocks of other places. Pure. */

/** Minutes that a zone's clock is ahead of UTC at a moment. */
function ahead(zone: string, at: number): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  }).formatToParts(at);
  const value = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const wall = Date.UTC(value('year'), value('month') - 1, value('day'), value('hour'), value('minute'), value('second'));
  return Math.round((wall - Math.floor(at / 1000) * 1000) / 60_000);
}

/** The moment when the clock of `zone` shows `wall` (`2026-11-21T09:00`), or `null` when that is no time. A time that is skipped in spring is the one after it. */
export function momentIn(zone: string, wall: string): number | null {
  const asUtc = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(wall) ? Date.parse(`${wall}Z`) : NaN;
  if (Number.isNaN(asUtc) || !isZone(zone)) return null;
  const first = asUtc - ahead(zone, asUtc) * 60_000;
  return asUtc - ahead(zone, first) * 60_000;
}

/** What the clock of `zone` shows, for an input of type `datetime-local`. */
export function wallIn(zone: string, at: number): string {
  return new Date(at + ahead(zone, at) * 60_000).toISOString().slice(0, 16);
}

export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone });
    return zone !== '';
  } catch {
    return false;
  }
}

export const here = () => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

/** All that the browser knows, or only this place. */
export function zones(): string[] {
  return (Intl as { supportedValuesOf?: (key: 'timeZone') => string[] }).supportedValuesOf?.('timeZone') ?? [here(), 'UTC'];
}
