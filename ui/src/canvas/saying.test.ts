import { describe, expect, it } from 'vitest';
import { pushedSince, readSaying } from './saying';

const say = (said: unknown) => readSaying(JSON.stringify(said));

describe('what a document says', () => {
  it('is an act or a link to the web, and nothing else', () => {
    expect(say({ bulkhead: 'canvas', type: 'act', name: 'order', data: { a: 1 } })).toEqual({ type: 'act', name: 'order', data: { a: 1 } });
    expect(say({ bulkhead: 'canvas', type: 'link', href: 'https://example.org/' })).toEqual({ type: 'link', href: 'https://example.org/' });
    for (const wrong of [
      { type: 'act', name: 'x' },
      { bulkhead: 'canvas', type: 'act', name: ' ' },
      { bulkhead: 'canvas', type: 'act', name: 7 },
      { bulkhead: 'canvas', type: 'request', method: 'config.get' },
      { bulkhead: 'canvas', type: 'link', href: 'javascript:alert(1)' },
      { bulkhead: 'canvas', type: 'link', href: 'file:///etc/passwd' },
      { bulkhead: 'canvas', type: 'link', href: '/relative' },
      null,
      'x',
    ])
      expect(say(wrong)).toBeNull();
    expect(readSaying('{')).toBeNull();
    expect(readSaying({ bulkhead: 'canvas', type: 'act', name: 'x' })).toBeNull();
    expect(say({ bulkhead: 'canvas', type: 'act', name: 'x', data: 'y'.repeat(20_000) })).toBeNull();
  });

  it('keeps a surface when something was only pushed', () => {
    expect(pushedSince('{"a":1}', '{"a":1}\n{"b":2}')).toEqual([{ b: 2 }]);
    expect(pushedSince('{"a":1}', '{"b":2}')).toBeNull();
    expect(pushedSince('', '{"b":2}')).toBeNull();
    expect(pushedSince('{"a":1}', '')).toBeNull();
  });
});
