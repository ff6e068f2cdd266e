import { describe, expect, it } from 'vitest';
import type { SavedTimeline, Shade, Stretch } from './shapes';
import { cells, placed, totals } from './timeline';

const MINUTE = 60_000;
const stretch = (minute: number, minutes: number, shade: Shade): Stretch => ({ fromMs: minute * MINUTE, minutes, shade });
const timeline: SavedTimeline = {
  stretches: [stretch(100, 30, 'good'), stretch(130, 1, 'down'), stretch(131, 9, 'good'), stretch(150, 10, 'planned')],
  marks: [
    { atMs: 131 * MINUTE, kind: 'over', text: 'back' },
    { atMs: 130 * MINUTE, kind: 'exit', text: 'gone' },
    { atMs: 90 * MINUTE, kind: 'exit', text: 'long ago' },
  ],
};
const span = [100 * MINUTE, 160 * MINUTE] as const;

describe('cells', () => {
  it('keeps the order and leaves what nobody saw open', () => {
    const shades = cells(timeline, ...span, 60).map(({ shade, from, to }) => [shade, Math.round((to - from) * 60)]);
    expect(shades).toEqual([['good', 30], ['down', 1], ['good', 9], ['unknown', 10], ['planned', 10]]);
  });

  it('never hides a bad minute in a narrow picture', () => {
    for (const width of [1, 2, 3, 7, 20]) {
      expect(cells(timeline, ...span, width).some(({ shade }) => shade === 'down')).toBe(true);
    }
  });

  it('covers the whole width without gaps', () => {
    const runs = cells(timeline, ...span, 37);
    expect(runs[0]!.from).toBe(0);
    expect(runs.at(-1)!.to).toBe(1);
    runs.slice(1).forEach((run, index) => expect(run.from).toBe(runs[index]!.to));
  });

  it('draws nothing of nothing', () => {
    expect(cells(timeline, 5, 5, 10)).toEqual([]);
    expect(cells({ stretches: [], marks: [] }, ...span, 10)).toEqual([{ from: 0, to: 1, shade: 'unknown' }]);
  });
});

it('sums up a span, what nobody saw included', () => {
  expect(totals(timeline, ...span)).toEqual({
    good: 39 * MINUTE, down: MINUTE, planned: 10 * MINUTE, unknown: 10 * MINUTE, degraded: 0,
  });
  expect(totals(timeline, 129 * MINUTE, 130.5 * MINUTE)).toMatchObject({ good: MINUTE, down: MINUTE / 2, unknown: 0 });
});

it('places marks in order and apart, and only those of the span', () => {
  const marks = placed(timeline, ...span, 0.05);
  expect(marks.map(({ text }) => text)).toEqual(['gone', 'back']);
  expect(marks[0]!.at).toBe(0.5);
  expect(marks[1]!.at).toBeCloseTo(0.55);
});
