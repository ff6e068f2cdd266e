import { afterEach, describe, expect, it } from 'vitest';
import { asRequestError } from '../transport/types';
import { errorWords } from './errors';
import { language } from './language.svelte';

afterEach(() => language.choose(null));

describe('what went wrong', () => {
  it('is said by its code in another language, and by the sender in English', () => {
    const lost = asRequestError({ code: 'CONNECTION_LOST', message: 'The connection to the gateway was lost.' });
    expect(lost.message).toBe('The connection to the gateway was lost.');
    language.choose('de');
    expect(lost.message).toBe('Die Verbindung zum Gateway ging verloren.');
    language.choose('ja');
    expect(lost.message).toBe('ゲートウェイとの接続が切れました。');
    expect(lost.said).toBe('The connection to the gateway was lost.');
  });

  it('keeps particulars beside it, and the words of a code that is not known', () => {
    language.choose('de');
    expect(errorWords('crash-loop', 'main ended 4 times within 60 s.')).toBe('Das Gateway stürzt immer wieder ab. (main ended 4 times within 60 s.)');
    expect(errorWords('of-a-newer-gateway', 'Something else.')).toBe('Something else.');
    expect(errorWords(null, 'Plain.')).toBe('Plain.');
  });
});
