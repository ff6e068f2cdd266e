/**
 * The port rules, as a picture needs them: at once, while a handle is dragged. The gateway's own
 * check has the last word; the two follow the same table (a profile with base port B claims
 * [B, B+110]: control on B+2, the browser's ports from B+11 to B+110).
 */
export const SPAN = 110;
export const CONTROL = 2;
export const CDP_FIRST = 11;
export const LEAST_GAP = 20;
export const LOWEST = 1024;
export const HIGHEST = 65_535 - SPAN;

export interface Interval {
  name: string;
  base: number;
  /** `ours`: a profile of this plan. `kept`: a profile or an OpenClaw that exists already. */
  kind: 'ours' | 'kept';
}

export interface TakenPort {
  port: number;
  program: string | null;
  pid: number | null;
}

export type Verdict =
  | { fit: 'free'; distance: number | null; neighbour: string | null }
  | { fit: 'overlap'; neighbour: string; shared: number; gap: number; from: number; to: number }
  | { fit: 'close'; neighbour: string; gap: number }
  | { fit: 'taken'; port: number; program: string | null; pid: number | null }
  | { fit: 'derived-taken'; port: number; program: string | null; pid: number | null }
  | { fit: 'range' };

export const last = (base: number): number => base + SPAN;

export function inRange(base: number): boolean {
  return Number.isInteger(base) && base >= LOWEST && base <= HIGHEST;
}

/** Says whether `base` can be a profile's base port beside the others; the worst answer wins. */
export function judge(base: number, others: readonly Interval[], taken: readonly TakenPort[]): Verdict {
  if (!inRange(base)) return { fit: 'range' };
  const nearest = [...others].sort((a, b) => Math.abs(a.base - base) - Math.abs(b.base - base))[0];
  const gap = nearest ? Math.abs(nearest.base - base) : Infinity;
  if (nearest && gap < LEAST_GAP) return { fit: 'close', neighbour: nearest.name, gap };
  const holder = taken.find((one) => one.port === base);
  if (holder) return { fit: 'taken', ...holder };
  if (nearest && gap <= SPAN) {
    const from = Math.max(base, nearest.base);
    const to = Math.min(last(base), last(nearest.base));
    return { fit: 'overlap', neighbour: nearest.name, gap, from, to, shared: to - from + 1 };
  }
  const derived = taken.find((one) => one.port > base && one.port <= last(base));
  if (derived) return { fit: 'derived-taken', ...derived };
  return { fit: 'free', distance: nearest ? gap - SPAN - 1 : null, neighbour: nearest?.name ?? null };
}

export function refused(verdict: Verdict): boolean {
  return verdict.fit === 'range' || verdict.fit === 'close' || verdict.fit === 'taken';
}

/** The first base from `preferred` upwards whose whole interval nobody claims or uses; wraps round once. */
export function nextFree(preferred: number, others: readonly Interval[], taken: readonly TakenPort[]): number | null {
  const clear = (base: number): number | null => {
    const claim = others.find((one) => base <= last(one.base) && one.base <= last(base));
    if (claim) return last(claim.base) + 1;
    const used = taken.filter((one) => one.port >= base && one.port <= last(base));
    return used.length ? Math.max(...used.map((one) => one.port)) + 1 : null;
  };
  for (const start of [Math.min(Math.max(preferred, LOWEST), HIGHEST), LOWEST]) {
    let base = start;
    while (base <= HIGHEST) {
      const jump = clear(base);
      if (jump === null) return base;
      base = jump;
    }
  }
  return null;
}

export interface Scale {
  from: number;
  to: number;
  x(port: number): number;
  port(x: number): number;
  ticks: number[];
}

/** A number line that holds every interval with some air, its ends on round numbers. */
export function scale(bases: readonly number[], width: number): Scale {
  const known = bases.filter((base) => Number.isFinite(base));
  const low = known.length ? Math.min(...known) : 18_789;
  const high = known.length ? Math.max(...known) + SPAN : low + SPAN;
  const air = Math.max(120, (high - low) * 0.12);
  const step = niceStep((high - low + 2 * air) / 8);
  const from = Math.max(0, Math.floor((low - air) / step) * step);
  const to = Math.min(65_535, Math.ceil((high + air) / step) * step);
  const perPort = width / (to - from);
  const ticks: number[] = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) ticks.push(tick);
  return {
    from,
    to,
    ticks,
    x: (port) => (port - from) * perPort,
    port: (x) => Math.round(from + x / perPort),
  };
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const unit = rough / power;
  return (unit <= 1 ? 1 : unit <= 2 ? 2 : unit <= 5 ? 5 : 10) * power;
}
