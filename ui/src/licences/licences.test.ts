import { expect, it } from 'vitest';
import { matching, type Part } from './licences';

const part = (name: string, licence: string, by: string[] = []): Part => ({ name, version: '1.0.0', licence, url: null, by, texts: [0] });

it('finds parts by name, licence and author', () => {
  const parts = [part('tokio', 'MIT', ['Copyright (c) Tokio Contributors']), part('webpki-roots', 'CDLA-Permissive-2.0')];
  expect(matching(parts, '')).toHaveLength(2);
  expect(matching(parts, ' CDLA ').map(({ name }) => name)).toEqual(['webpki-roots']);
  expect(matching(parts, 'contributors').map(({ name }) => name)).toEqual(['tokio']);
});
