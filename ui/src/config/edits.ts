/** What was changed in the form, and the patch that says so. Pure. */
import { dotted, type Path } from './fields';

/** `undefined`: taken away. */
export type Edit = { path: Path; value: unknown };
export type Change = { path: string; before: unknown; after: unknown };

type Tree = Record<string, unknown>;
const isObject = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
export const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

export function at(config: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), config);
}

/** A JSON merge patch, and the lists in it that are meant whole. */
export function patchOf(edits: readonly Edit[]): { patch: Tree; lists: string[] } {
  const patch: Tree = {};
  for (const { path, value } of edits) {
    let place = patch;
    for (const key of path.slice(0, -1)) place = (place[key] ??= {}) as Tree;
    place[path.at(-1) ?? ''] = value === undefined ? null : value;
  }
  return { patch, lists: edits.filter(({ value }) => Array.isArray(value)).map(({ path }) => dotted(path)) };
}

export function changesOf(config: unknown, edits: readonly Edit[]): Change[] {
  return edits.map(({ path, value }) => ({ path: dotted(path), before: at(config, path), after: value })).filter(({ before, after }) => !same(before, after));
}

/** What differs between two configurations, as deep as objects go. */
export function differences(before: unknown, after: unknown, path: Path = []): Change[] {
  if (same(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return [{ path: dotted(path), before, after }];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) => differences(before[key], after[key], [...path, key]));
}
