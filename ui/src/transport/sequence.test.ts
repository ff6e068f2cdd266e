import { describe, expect, it } from 'vitest';
import { Sequence } from './sequence';

describe('the sequence of events', () => {
  it('takes 1, 2, 3 as they come', () => {
    const sequence = new Sequence();
    expect([1, 2, 3].map((seq) => sequence.take(seq))).toEqual(['fresh', 'fresh', 'fresh']);
  });

  it('sees a hole once, and goes on from there', () => {
    const sequence = new Sequence();
    expect([1, 4, 5].map((seq) => sequence.take(seq))).toEqual(['fresh', 'gap', 'fresh']);
  });

  it('sees a hole at the very beginning', () => {
    expect(new Sequence().take(2)).toBe('gap');
  });

  it('drops repeats and stragglers', () => {
    const sequence = new Sequence();
    expect([1, 2, 2, 1, 3].map((seq) => sequence.take(seq))).toEqual(['fresh', 'fresh', 'stale', 'stale', 'fresh']);
  });

  it('lets events without a number pass', () => {
    const sequence = new Sequence();
    sequence.take(1);
    expect([sequence.take(null), sequence.take(undefined), sequence.take(2)]).toEqual(['fresh', 'fresh', 'fresh']);
  });

  it('starts anywhere when it joins in the middle, and at 1 after a new connection', () => {
    const sequence = new Sequence();
    sequence.reset('middle');
    expect([sequence.take(50), sequence.take(51), sequence.take(53)]).toEqual(['fresh', 'fresh', 'gap']);
    sequence.reset();
    expect(sequence.take(1)).toBe('fresh');
  });
});
