/** The strip of the last hours: minutes made into cells of a picture, and sums for those who can't see it. Pure. */
import type { SavedTimeline, Shade, TimelineMark } from './shapes';

const MINUTE = 60_000;
/** What a cell shows when its minutes differ: whatever needs attention most. */
const RANK: Record<Shade, number> = { unknown: 0, good: 1, planned: 2, degraded: 3, down: 4 };

export interface Cell {
  /** From and to as parts of the whole, 0 to 1. */
  from: number;
  to: number;
  shade: Shade;
}

/** Runs of equal cells between `from` and `to` (milliseconds since 1970), in a picture of `width` cells. */
export function cells(timeline: SavedTimeline, from: number, to: number, width: number): Cell[] {
  if (width < 1 || to <= from) return [];
  const shades: Shade[] = Array.from({ length: width }, () => 'unknown');
  const scale = width / (to - from);
  for (const { fromMs, minutes, shade } of timeline.stretches) {
    const first = Math.max(0, Math.floor((fromMs - from) * scale));
    const last = Math.min(width - 1, Math.ceil((fromMs + minutes * MINUTE - from) * scale) - 1);
    for (let at = first; at <= last; at += 1) {
      if (RANK[shade] > RANK[shades[at]!]) shades[at] = shade;
    }
  }
  const runs: Cell[] = [];
  shades.forEach((shade, at) => {
    const before = runs.at(-1);
    if (before?.shade === shade) before.to = (at + 1) / width;
    else runs.push({ from: at / width, to: (at + 1) / width, shade });
  });
  return runs;
}

/** How many milliseconds of the span each shade has. */
export function totals(timeline: SavedTimeline, from: number, to: number): Record<Shade, number> {
  const sums: Record<Shade, number> = { unknown: 0, good: 0, planned: 0, degraded: 0, down: 0 };
  for (const { fromMs, minutes, shade } of timeline.stretches) {
    sums[shade] += Math.max(0, Math.min(to, fromMs + minutes * MINUTE) - Math.max(from, fromMs));
  }
  const seen = Object.values(sums).reduce((sum, one) => sum + one, 0);
  sums.unknown += Math.max(0, to - from - seen);
  return sums;
}

export interface PlacedMark extends TimelineMark {
  /** Where it is, 0 to 1. */
  at: number;
}

/** The marks of the span, oldest first; those that would lie on one another become neighbours of the first. */
export function placed(timeline: SavedTimeline, from: number, to: number, apart: number): PlacedMark[] {
  const inside = timeline.marks.filter(({ atMs }) => atMs >= from && atMs <= to).sort((a, b) => a.atMs - b.atMs);
  let before = -Infinity;
  return inside.map((mark) => {
    const at = Math.min(1, Math.max((mark.atMs - from) / (to - from), before + apart));
    before = at;
    return { ...mark, at };
  });
}
