import { describe, expect, it } from 'vitest';
import { HINTS, SCHEMA } from '../testing/demo-config';
import { lineDiff } from './diff';
import { changesOf, differences, patchOf } from './edits';
import { dotted, matching, secretState, sections, type SchemaNode } from './fields';

const CONFIG = {
  agents: { defaults: { model: 'a/b' }, list: [{ id: 'main' }] },
  models: { providers: { 'my.own': { apiKey: { source: 'env', id: 'KEY' } } } },
};
const all = sections(SCHEMA as SchemaNode, HINTS, CONFIG);
const row = (path: string) => all.flatMap(({ rows }) => rows).find((one) => one.dotted === path)!;

describe('the form', () => {
  it('has a row for every field, also below keys that people chose', () => {
    expect(all.map(({ label }) => label)).toEqual(['Gateway', 'Agents', 'Models', 'Logging']);
    expect(row('models.providers["my.own"].apiKey')).toMatchObject({ kind: 'secret', label: 'Key' });
    expect(row('agents.defaults.model')).toMatchObject({ kind: 'text', value: 'a/b' });
    expect(row('agents.list').kind).toBe('entries');
    expect(row('gateway.trustedProxies').kind).toBe('list');
    expect(row('gateway.bind')).toMatchObject({ localOnly: true, options: ['loopback', 'lan'] });
    expect(row('gateway.port')).toMatchObject({ kind: 'number', min: 1024 });
    const bare = sections(SCHEMA as SchemaNode, {}, {});
    expect(bare.map(({ label }) => label)).toEqual(['Logging', 'Gateway', 'Agents', 'Models']);
    expect(bare[3]!.rows).toMatchObject([{ dotted: 'models.providers', kind: 'entries' }]);
    const open = sections(SCHEMA as SchemaNode, HINTS, { agents: { defaults: { model: { primary: 'a/b' } } } });
    expect(open.flatMap(({ rows }) => rows).map((one) => one.dotted)).toContain('agents.defaults.model.primary');
  });

  it('is searched by name and by path', () => {
    expect(matching(all, 'base PORT').flatMap(({ rows }) => rows.map((one) => one.dotted))).toEqual(['gateway.port']);
    expect(matching(all, 'nothing of the kind')).toEqual([]);
  });

  it('tells where a secret is and never what it is', () => {
    expect(secretState({ source: 'keychain', id: 'a/b' })).toEqual({ state: 'reference', where: 'keychain: a/b' });
    expect(secretState('${KEY}')).toEqual({ state: 'variable', where: 'KEY' });
    expect(secretState('__OPENCLAW_REDACTED__')).toEqual({ state: 'plain', where: '' });
    expect(secretState(undefined).state).toBe('unset');
  });
});

describe('changes', () => {
  it('become a merge patch', () => {
    const edits = [{ path: ['a', 'b'], value: 1 }, { path: ['a', 'c'], value: undefined }, { path: ['x.y'], value: ['z'] }];
    expect(patchOf(edits)).toEqual({ patch: { a: { b: 1, c: null }, 'x.y': ['z'] }, lists: ['["x.y"]'] });
    expect(changesOf({ a: { b: 1, c: 2 } }, edits)).toEqual([{ path: 'a.c', before: 2, after: undefined }, { path: '["x.y"]', before: undefined, after: ['z'] }]);
    expect(dotted(['models', 'providers', 'llama3.2:3b', 'api'])).toBe('models.providers["llama3.2:3b"].api');
  });

  it('of others are found', () => {
    expect(differences({ a: { x: 1, y: 2 }, b: [1] }, { a: { x: 1, y: 3 }, b: [1, 2] }).map(({ path }) => path)).toEqual(['a.y', 'b']);
  });

  it('of a text are shown with a little around them', () => {
    const before = ['1', '2', '3', '4', '5', '6', '7', '8'].join('\n');
    const shown = lineDiff(before, before.replace('5', 'five\nand a half'));
    expect(shown.map(({ kind, text }) => `${kind}${text}`)).toEqual(['gap', 'same3', 'same4', 'out5', 'infive', 'inand a half', 'same6', 'same7', 'gap']);
    expect(lineDiff('same', 'same')).toEqual([]);
  });
});
