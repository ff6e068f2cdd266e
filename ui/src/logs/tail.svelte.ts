/** Follows the logs of one or several profiles by cursor, keeps the newest lines, and merges them by time. */
import { asRequestError, type Transport } from '../transport/types';
import { parseLine, type LogLine } from './line';

const POLL_MS = 1_000;
const FIRST = 500;
const MORE = 2_000;
/** Per profile; older lines are in the file. */
const KEPT = 10_000;

interface Source {
  cursor: number | null;
  lines: LogLine[];
}

export class Tail {
  lines = $state.raw<readonly LogLine[]>([]);
  files = $state.raw<Record<string, string>>({});
  problems = $state.raw<Record<string, string>>({});
  loaded = $state(false);

  readonly #sources = new Map<string, Source>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #count = 0;
  #stopped = false;

  constructor(
    readonly transport: Transport,
    readonly profiles: readonly string[],
  ) {
    for (const profile of profiles) this.#sources.set(profile, { cursor: null, lines: [] });
  }

  start(): void {
    void this.#round();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  clear(): void {
    for (const source of this.#sources.values()) source.lines = [];
    this.lines = [];
  }

  async #round(): Promise<void> {
    const changed = await Promise.all(this.profiles.map((profile) => this.#read(profile)));
    if (this.#stopped) return;
    if (changed.some(Boolean)) this.lines = merged([...this.#sources.values()].map(({ lines }) => lines));
    this.loaded = true;
    this.#timer = setTimeout(() => void this.#round(), document.visibilityState === 'visible' ? POLL_MS : 10 * POLL_MS);
  }

  async #read(profile: string): Promise<boolean> {
    const source = this.#sources.get(profile)!;
    try {
      const page = await this.transport.logs(profile, source.cursor, source.cursor === null ? FIRST : MORE);
      if (this.#stopped) return false;
      const reset = page.reset === true && source.cursor !== null;
      if (reset) source.lines = [];
      source.cursor = page.cursor;
      if (this.files[profile] !== page.file) this.files = { ...this.files, [profile]: page.file };
      if (this.problems[profile]) this.problems = without(this.problems, profile);
      if (page.lines.length === 0) return reset;
      const fresh = page.lines.map((raw) => parseLine(raw, profile, (this.#count += 1)));
      source.lines = [...source.lines, ...fresh].slice(-KEPT);
      return true;
    } catch (thrown) {
      const { message } = asRequestError(thrown);
      if (!this.#stopped && this.problems[profile] !== message) this.problems = { ...this.problems, [profile]: message };
      return false;
    }
  }
}

function without(record: Record<string, string>, key: string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}

/** One time line; lines without a time stay behind the line before them. */
function merged(sources: LogLine[][]): LogLine[] {
  if (sources.length === 1) return sources[0]!;
  return sources
    .flatMap((lines) => {
      let last = 0;
      return lines.map((line) => ({ line, at: (last = line.time ?? last) }));
    })
    .sort((a, b) => a.at - b.at || a.line.key - b.line.key)
    .map(({ line }) => line);
}
