import { describe, expect, it } from 'vitest';
import { HIGHEST, judge, last, LOWEST, nextFree, refused, scale, type Interval, type TakenPort } from './spacing';

const main: Interval = { name: 'main', base: 18_789, kind: 'ours' };
const free: TakenPort[] = [];

describe('judging a base port', () => {
  it.each([
    [19_789, { fit: 'free', neighbour: 'main', distance: 889 }],
    [18_900, { fit: 'free', neighbour: 'main', distance: 0 }],
    [18_678, { fit: 'free', neighbour: 'main', distance: 0 }],
    [18_899, { fit: 'overlap', neighbour: 'main', gap: 110, shared: 1, from: 18_899, to: 18_899 }],
    [18_820, { fit: 'overlap', neighbour: 'main', gap: 31, shared: 80, from: 18_820, to: 18_899 }],
    [18_809, { fit: 'overlap', neighbour: 'main', gap: 20 }],
    [18_769, { fit: 'overlap', neighbour: 'main', gap: 20 }],
    [18_808, { fit: 'close', neighbour: 'main', gap: 19 }],
    [18_805, { fit: 'close', neighbour: 'main', gap: 16 }],
    [18_789, { fit: 'close', gap: 0 }],
    [LOWEST - 1, { fit: 'range' }],
    [HIGHEST + 1, { fit: 'range' }],
    [18_789.5, { fit: 'range' }],
    [Number.NaN, { fit: 'range' }],
  ])('%d beside main', (base, expected) => {
    expect(judge(base, [main], free)).toMatchObject(expected);
  });

  it('names who holds the port', () => {
    const verdict = judge(19_789, [main], [{ port: 19_789, program: 'nginx', pid: 7 }]);
    expect(verdict).toEqual({ fit: 'taken', port: 19_789, program: 'nginx', pid: 7 });
    expect(refused(verdict)).toBe(true);
  });

  it('only warns about a derived port that is in use', () => {
    const verdict = judge(19_789, [main], [{ port: 19_800, program: null, pid: null }]);
    expect(verdict).toMatchObject({ fit: 'derived-taken', port: 19_800 });
    expect(refused(verdict)).toBe(false);
  });

  it('is content alone', () => {
    expect(judge(18_789, [], free)).toEqual({ fit: 'free', distance: null, neighbour: null });
  });

  it('goes to the last port that a base can be', () => {
    expect(judge(HIGHEST, [main], free).fit).toBe('free');
    expect(last(HIGHEST)).toBe(65_535);
  });
});

describe('the next free base', () => {
  it('is the wish, when it is free', () => {
    expect(nextFree(19_789, [main], free)).toBe(19_789);
  });

  it('is right behind what is in the way', () => {
    expect(nextFree(18_789, [main], free)).toBe(18_900);
    expect(nextFree(18_789, [], [{ port: 18_820, program: null, pid: null }])).toBe(18_821);
  });

  it('always fits, whatever is there', () => {
    let seed = 7;
    const random = (top: number) => (seed = (seed * 48_271) % 2_147_483_647) % top;
    for (let round = 0; round < 300; round += 1) {
      const others: Interval[] = Array.from({ length: random(40) }, (_, index) => ({ name: `p${index}`, base: LOWEST + random(HIGHEST - LOWEST), kind: 'kept' }));
      const taken: TakenPort[] = Array.from({ length: random(60) }, () => ({ port: LOWEST + random(60_000), program: null, pid: null }));
      const base = nextFree(LOWEST + random(HIGHEST), others, taken);
      expect(base).not.toBeNull();
      expect(judge(base!, others, taken).fit).toBe('free');
    }
  });

  it('says so when there is none', () => {
    const all = Array.from({ length: 700 }, (_, index): Interval => ({ name: `p${index}`, base: LOWEST + index * 100, kind: 'kept' }));
    expect(nextFree(LOWEST, all, free)).toBeNull();
  });
});

describe('the number line', () => {
  it('holds every interval, and goes there and back', () => {
    const line = scale([18_789, 19_789], 700);
    expect(line.from).toBeLessThan(18_789);
    expect(line.to).toBeGreaterThan(last(19_789));
    for (const port of [18_789, 19_000, 19_899]) expect(line.port(line.x(port))).toBe(port);
    expect(line.ticks.length).toBeGreaterThan(3);
    expect(line.ticks.every((tick) => tick >= line.from && tick <= line.to)).toBe(true);
  });

  it('stays on the ports that exist', () => {
    const line = scale([LOWEST, HIGHEST], 700);
    expect(line.from).toBeGreaterThanOrEqual(0);
    expect(line.to).toBeLessThanOrEqual(65_535);
    expect(scale([], 300).to).toBeGreaterThan(scale([], 300).from);
  });
});
