/** One log line, whoever wrote it: our JSON lines, an OpenClaw's, or plain text. */
export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';

export const LEVELS: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error'];

export interface LogLine {
  key: number;
  profile: string;
  time: number | null;
  level: Level;
  source: string;
  text: string;
  raw: string;
}

type Loose = Record<string, unknown>;

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);

function level(value: unknown): Level {
  const name = (text(value) ?? '').toLowerCase();
  if (name === 'warning') return 'warn';
  if (name === 'fatal' || name === 'critical') return 'error';
  return (LEVELS as readonly string[]).includes(name) ? (name as Level) : 'info';
}

function time(value: unknown): number | null {
  if (typeof value === 'number') return value;
  const parsed = Date.parse(text(value) ?? '');
  return Number.isNaN(parsed) ? null : parsed;
}

function source(line: Loose, meta: Loose): string {
  const named = text(line['target']) ?? text(line['subsystem']) ?? text(meta['name']) ?? '';
  if (!named.startsWith('{')) return named;
  try {
    return text((JSON.parse(named) as Loose)['subsystem']) ?? '';
  } catch {
    return '';
  }
}

function extras(fields: Loose): string {
  return Object.entries(fields)
    .filter(([name, value]) => name !== 'message' && value !== null && typeof value !== 'object')
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
}

export function parseLine(raw: string, profile: string, key: number): LogLine {
  const plain: LogLine = { key, profile, time: null, level: 'info', source: '', text: raw, raw };
  if (!raw.startsWith('{')) return plain;
  let line: Loose;
  try {
    line = JSON.parse(raw) as Loose;
  } catch {
    return plain;
  }
  const meta = (line['_meta'] ?? {}) as Loose;
  const fields = (typeof line['fields'] === 'object' && line['fields'] !== null ? line['fields'] : {}) as Loose;
  const words = text(line['message']) ?? text(line['msg']) ?? text(fields['message']) ?? text(line['1']) ?? text(line['0']) ?? '';
  const more = extras(fields);
  return {
    ...plain,
    time: time(line['time'] ?? line['timestamp'] ?? line['ts'] ?? meta['date']),
    level: level(line['level'] ?? meta['logLevelName']),
    source: source(line, meta),
    text: [words, more].filter(Boolean).join('  ') || raw,
  };
}

/** Keeps what the level and the words let through; words match text, source and profile. */
export function visible(lines: readonly LogLine[], least: Level, words: string): LogLine[] {
  const floor = LEVELS.indexOf(least);
  const wanted = words.trim().toLowerCase();
  return lines.filter(
    (line) =>
      LEVELS.indexOf(line.level) >= floor &&
      (wanted === '' || `${line.text} ${line.source}`.toLowerCase().includes(wanted)),
  );
}
