import { describe, expect, it } from 'vitest';
import { keptToken, takeTokenFromAddress } from './token';

class MemoryStorage implements Storage {
  #all = new Map<string, string>();
  [name: string]: unknown;
  get length() {
    return this.#all.size;
  }
  clear() {
    this.#all.clear();
  }
  getItem(key: string) {
    return this.#all.get(key) ?? null;
  }
  key(index: number) {
    return [...this.#all.keys()][index] ?? null;
  }
  removeItem(key: string) {
    this.#all.delete(key);
  }
  setItem(key: string, value: string) {
    this.#all.set(key, value);
  }
}

function visit(address: string) {
  const url = new URL(address);
  const storage = new MemoryStorage();
  let shown = address;
  const history = {
    state: null,
    replaceState: (_state: unknown, _title: string, next: string) => {
      shown = new URL(next, url).href;
    },
  };
  takeTokenFromAddress(url as unknown as Location, history as unknown as History, storage);
  return { token: keptToken(storage), shown };
}

describe('the token in the address', () => {
  it('is kept for the tab and gone from the address bar', () => {
    expect(visit('http://127.0.0.1:18789/#token=abc%2Bdef')).toEqual({ token: 'abc+def', shown: 'http://127.0.0.1:18789/' });
  });

  it('leaves the rest of the fragment and the query', () => {
    const { token, shown } = visit('http://h/ui/?x=1#token=t&session=main');
    expect(token).toBe('t');
    expect(shown).toBe('http://h/ui/?x=1#session=main');
  });

  it('is gone even when it is empty', () => {
    expect(visit('http://h/#token=')).toEqual({ token: null, shown: 'http://h/' });
  });

  it('leaves an ordinary route alone', () => {
    expect(visit('http://h/#/logs/main')).toEqual({ token: null, shown: 'http://h/#/logs/main' });
  });
});
