import { expect, test } from 'vitest';
import { addressIn } from './setup-code';

const code = (value: unknown) => btoa(JSON.stringify(value)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');

test('a setup code names its gateway, and nothing else does', () => {
  expect(addressIn(code({ url: 'wss://gate.example:18789', bootstrapToken: 'x' }))).toBe('wss://gate.example:18789');
  for (const other of ['', 'ABCD2345', code({}), code({ url: 7 }), code({ url: 'https://x' }), code({ url: 'wss://u:p@x' }), code(null)]) {
    expect(addressIn(other)).toBeNull();
  }
});
