/** The form's rows, made from the schema, the hints and what is set. Pure. */
export interface SchemaNode {
  type?: string;
  title?: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  properties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode | boolean;
  items?: SchemaNode;
  anyOf?: SchemaNode[];
}

export interface Hint {
  label?: string;
  help?: string;
  order?: number;
  sensitive?: boolean;
  tags?: string[];
}

export type Path = readonly string[];
export type Kind = 'text' | 'number' | 'switch' | 'choice' | 'list' | 'entries' | 'secret';

export interface Row {
  path: Path;
  /** As people write it. */
  dotted: string;
  label: string;
  help: string | null;
  kind: Kind;
  options: readonly string[];
  min: number | null;
  max: number | null;
  /** Never changed from afar. */
  localOnly: boolean;
  value: unknown;
}

export interface Section {
  key: string;
  label: string;
  help: string | null;
  rows: readonly Row[];
}

type Hints = Record<string, Hint>;
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `models.providers["a.b"].api`: as the gateway reads paths too. */
export function dotted(path: Path): string {
  return path.map((key, at) => (/^[\p{L}\p{N}_\-$/:@+*]+$/u.test(key) ? `${at ? '.' : ''}${key}` : `[${JSON.stringify(key)}]`)).join('');
}

export function sections(schema: SchemaNode, hints: Hints, config: unknown): Section[] {
  const values = isObject(config) ? config : {};
  return Object.entries(schema.properties ?? {})
    .map(([key, node]) => {
      const rows: Row[] = [];
      walk(node, [key], key, values[key], hints, rows);
      const hint = hints[key];
      return { key, label: hint?.label ?? node.title ?? key.charAt(0).toUpperCase() + key.slice(1), help: hint?.help ?? null, rows, order: hint?.order ?? Number.MAX_SAFE_INTEGER };
    })
    .filter(({ rows }) => rows.length > 0)
    .sort((a, b) => a.order - b.order);
}

function walk(node: SchemaNode, path: Path, pattern: string, value: unknown, hints: Hints, rows: Row[]): void {
  const hint = hints[pattern] ?? {};
  const add = (kind: Kind, from: SchemaNode = node, options: readonly string[] = []) =>
    rows.push({
      path, dotted: dotted(path), label: hint.label ?? node.title ?? path.at(-1) ?? '', help: hint.help ?? null, kind, options,
      min: from.minimum ?? null, max: from.maximum ?? null, localOnly: hint.tags?.includes('local-only') === true, value,
    });
  if (hint.sensitive) return void add('secret');
  if (node.anyOf) {
    const object = node.anyOf.find(({ type }) => type === 'object');
    if (object && isObject(value)) return walk(object, path, pattern, value, hints, rows);
    const words = node.anyOf.flatMap((one) => (one.type === 'boolean' ? ['true', 'false'] : (one.enum ?? [])));
    if (words.length > 0) return void add('choice', node, words);
    const scalar = node.anyOf.find(({ type }) => type === 'string' || type === 'integer' || type === 'number');
    return void add(scalar ? 'text' : 'entries');
  }
  if (node.type === 'object' || node.properties) {
    const present = isObject(value) ? value : {};
    for (const [key, child] of Object.entries(node.properties ?? {})) walk(child, [...path, key], `${pattern}.${key}`, present[key], hints, rows);
    if (isObject(node.additionalProperties)) {
      // Nothing is in it yet: its place is told, so that it can be found.
      if (!node.properties && Object.keys(present).length === 0) add('entries');
      for (const key of Object.keys(present)) {
        if (!(key in (node.properties ?? {}))) walk(node.additionalProperties as SchemaNode, [...path, key], `${pattern}.*`, present[key], hints, rows);
      }
    }
    return;
  }
  if (node.type === 'array') return void add(node.items?.type === 'object' || node.items?.properties ? 'entries' : 'list');
  if (node.type === 'boolean') return void add('switch', node, ['true', 'false']);
  if (node.enum) return void add('choice', node, node.enum);
  add(node.type === 'integer' || node.type === 'number' ? 'number' : 'text');
}

export function matching(all: readonly Section[], words: string): Section[] {
  const wanted = words.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return [...all];
  return all
    .map((section) => ({
      ...section,
      rows: section.rows.filter((row) => {
        const text = `${section.label} ${row.label} ${row.dotted}`.toLowerCase();
        return wanted.every((word) => text.includes(word));
      }),
    }))
    .filter(({ rows }) => rows.length > 0);
}

/** Where a secret is, never what it is. */
export function secretState(value: unknown): { state: 'unset' | 'reference' | 'variable' | 'plain'; where: string } {
  if (value === undefined || value === null) return { state: 'unset', where: '' };
  if (isObject(value)) return { state: 'reference', where: [value['source'], value['id']].filter(Boolean).join(': ') };
  const variable = /^\$\{([A-Z_][A-Z0-9_]*)\}$/.exec(String(value));
  return variable ? { state: 'variable', where: variable[1] ?? '' } : { state: 'plain', where: '' };
}
