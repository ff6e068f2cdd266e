/** The checklist: one line per thing that two gateways must not share, with the value of each. */
import type { PlanProfile } from '../bindings/commands';
import { CDP_FIRST, CONTROL, last } from '../ports/spacing';

export const LINES = ['config', 'state', 'workspace', 'base-port', 'derived-ports', 'telegram', 'keychain'] as const;
export type LineCode = (typeof LINES)[number];

export interface ChecklistLine {
  code: string;
  state: 'ok' | 'warning' | 'failed' | 'unknown';
  values: Record<string, string>;
}

/** What the set-up answered, if it did. */
export function answeredLines(detail: Record<string, unknown>): ChecklistLine[] {
  const { lines } = detail as { lines?: unknown };
  if (!Array.isArray(lines)) return [];
  return lines.flatMap((raw) => {
    const line = raw as Partial<ChecklistLine> | null;
    if (!line || typeof line.code !== 'string' || typeof line.values !== 'object' || !line.values) return [];
    const state = line.state === 'ok' || line.state === 'warning' || line.state === 'failed' ? line.state : 'unknown';
    return [{ code: line.code, state, values: line.values }];
  });
}

/** What it will be by the rules, shown while the set-up looks. */
export function foreseen(code: LineCode, { name, port, workspace, telegram }: PlanProfile): string {
  const home = name === 'main' ? '~/.bulkhead' : `~/.bulkhead-${name}`;
  const suffix = name === 'main' ? '' : `-${name}`;
  switch (code) {
    case 'config':
      return `${home}/bulkhead.json`;
    case 'state':
      return home;
    case 'workspace':
      return workspace ?? `~/.bulkhead/workspace${suffix}`;
    case 'base-port':
      return port === null ? '–' : String(port);
    case 'derived-ports':
      return port === null ? '–' : `${port + CONTROL}, ${port + CDP_FIRST}–${last(port)}`;
    case 'telegram':
      return telegram?.botToken.split(':')[0] ?? '–';
    case 'keychain':
      return `ai.bulkhead.${name}`;
  }
}
