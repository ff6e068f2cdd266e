import { describe, expect, it } from 'vitest';
import { visible, type LogLine } from './line';
import { appended, merged } from './merge';

const line = (key: number, time: number | null, profile = 'main'): LogLine => ({ key, time, profile, level: 'info', source: 'agent', text: `line ${key}`, raw: `line ${key}` });
const keys = (lines: readonly LogLine[]) => lines.map(({ key }) => key);

describe('one time line', () => {
  it('of two logs goes by time, and a line without one stays behind the line before it', () => {
    const main = [line(1, 10), line(2, null), line(3, 40)];
    const rescue = [line(4, 20, 'rescue'), line(5, 30, 'rescue')];
    expect(keys(merged([main, rescue]))).toEqual([1, 2, 4, 5, 3]);
    expect(keys(merged([[], rescue]))).toEqual([4, 5]);
  });

  it('takes a late line where it belongs, and keeps the newest', () => {
    const before = [line(1, 10), line(2, 20), line(3, 30)];
    expect(keys(appended(before, [line(4, 40)], 9))).toEqual([1, 2, 3, 4]);
    expect(keys(appended(before, [line(4, 15), line(5, 35)], 9))).toEqual([1, 4, 2, 3, 5]);
    expect(keys(appended(before, [line(4, 40)], 2))).toEqual([3, 4]);
  });

  it('of 200,000 lines is made, added to and searched in a moment', () => {
    const log = (profile: string) => Array.from({ length: 100_000 }, (_, index) => line(index, index * 10, profile));
    const started = performance.now();
    const all = merged([log('main'), log('rescue')]);
    expect(all.length).toBe(200_000);
    expect(appended(all, [line(1, 10_000_000)], 200_000).length).toBe(200_000);
    expect(visible(all, 'info', 'line 99999').length).toBe(2);
    // A busy machine has its time too: it is a matter of sorts, not of milliseconds.
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});
