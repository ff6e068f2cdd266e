/** Follows the logs of one or several profiles by cursor, keeps the newest lines, and merges them by time. */
import { asRequestError, type Transport } from '../transport/types';
import { parseLine, type LogLine } from './line';
import { appended, merged } from './merge';

const POLL_MS = 1_000;
const FIRST = 500;
const MORE = 10_000;
/** How many bytes before the first line are asked for at once. */
const STEP = 512 * 1024;
/** Per profile; older lines are in the file. */
const KEPT = 100_000;

interface Source {
  cursor: number | null;
  /** Where the oldest line begins in the file; `null`: nothing before it can be asked for. */
  start: number | null;
  lines: LogLine[];
}

export class Tail {
  lines = $state.raw<readonly LogLine[]>([]);
  files = $state.raw<Record<string, string>>({});
  problems = $state.raw<Record<string, string>>({});
  loaded = $state(false);
  /** There are older lines in a file. */
  more = $state(false);
  busy = $state(false);

  readonly #sources = new Map<string, Source>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #count = 0;
  #stopped = false;

  constructor(
    readonly transport: Transport,
    readonly profiles: readonly string[],
  ) {
    for (const profile of profiles) this.#sources.set(profile, { cursor: null, start: null, lines: [] });
  }

  start(): void {
    void this.#round();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  clear(): void {
    for (const source of this.#sources.values()) {
      source.lines = [];
      source.start = null;
    }
    this.more = false;
    this.lines = [];
  }

  /** Older lines from the files. Ends with how many came. */
  async earlier(): Promise<number> {
    if (this.busy || this.#stopped) return 0;
    this.busy = true;
    const counts = await Promise.all(this.profiles.map((profile) => this.#before(profile)));
    this.busy = false;
    if (this.#stopped) return 0;
    this.#mergeAll();
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #round(): Promise<void> {
    const before = [...this.#sources.values()].map(({ lines }) => lines);
    const fresh = await Promise.all(this.profiles.map((profile) => this.#read(profile)));
    if (this.#stopped) return;
    const came = fresh.filter((lines) => lines !== null && lines.length > 0) as LogLine[][];
    if (fresh.some((lines) => lines === null) || before.every((lines) => lines.length === 0)) this.#mergeAll();
    else if (came.length > 0) this.lines = appended(this.lines, merged(came), KEPT * this.profiles.length);
    this.#look();
    this.loaded = true;
    this.#timer = setTimeout(() => void this.#round(), document.visibilityState === 'visible' ? POLL_MS : 10 * POLL_MS);
  }

  #mergeAll(): void {
    this.lines = merged([...this.#sources.values()].map(({ lines }) => lines));
    this.#look();
  }

  #look(): void {
    this.more = [...this.#sources.values()].some(({ start, lines }) => start !== null && start > 0 && lines.length < KEPT);
  }

  /** What is new; `null`: the file began anew. */
  async #read(profile: string): Promise<LogLine[] | null> {
    const source = this.#sources.get(profile)!;
    try {
      const fresh: LogLine[] = [];
      let reset = false;
      // A burst comes in several pages, without a pause between them.
      for (let pages = 0; pages < 64; pages += 1) {
        const begins = source.cursor === null;
        const page = await this.transport.logs(profile, source.cursor, begins ? FIRST : MORE);
        if (this.#stopped) return [];
        if (page.reset === true && !begins) {
          reset = true;
          source.lines = [];
          fresh.length = 0;
        }
        const moved = page.cursor !== source.cursor;
        source.cursor = page.cursor;
        if (begins || page.reset === true) source.start = page.start ?? null;
        if (this.files[profile] !== page.file) this.files = { ...this.files, [profile]: page.file };
        if (this.problems[profile]) this.problems = without(this.problems, profile);
        for (const raw of page.lines) fresh.push(parseLine(raw, profile, (this.#count += 1)));
        if (begins || !moved || page.cursor >= page.size) break;
      }
      if (fresh.length > 0) this.#keep(source, fresh);
      return reset ? null : fresh;
    } catch (thrown) {
      const { message } = asRequestError(thrown);
      if (!this.#stopped && this.problems[profile] !== message) this.problems = { ...this.problems, [profile]: message };
      return [];
    }
  }

  #keep(source: Source, fresh: readonly LogLine[]): void {
    for (const line of fresh) source.lines.push(line);
    const extra = source.lines.length - KEPT;
    if (extra <= 0) return;
    source.lines.splice(0, extra);
    source.start = null;
  }

  async #before(profile: string): Promise<number> {
    const source = this.#sources.get(profile)!;
    const end = source.start;
    if (end === null || end === 0) return 0;
    try {
      const from = Math.max(0, end - STEP);
      const page = await this.transport.logs(profile, from, MORE);
      if (this.#stopped || source.start !== end || page.reset === true) return 0;
      // Only what lies before the lines that are here; the first one may be torn where the file was cut.
      const bytes = new TextEncoder();
      let at = page.start ?? from;
      const older: string[] = [];
      for (const raw of page.lines) {
        if (at >= end) break;
        if (at > from || from === 0) older.push(raw);
        at += bytes.encode(raw).length + 1;
      }
      const first = page.lines.length > older.length && from > 0 ? from + bytes.encode(page.lines[0] ?? '').length + 1 : from;
      source.start = older.length === 0 ? 0 : Math.min(first, end - 1);
      this.#count += older.length;
      // Older lines get the numbers before all others: keys stay the keys of their lines.
      const lines = older.map((raw, index) => parseLine(raw, profile, -(this.#count - index)));
      source.lines = [...lines, ...source.lines].slice(-KEPT);
      return lines.length;
    } catch (thrown) {
      this.problems = { ...this.problems, [profile]: asRequestError(thrown).message };
      return 0;
    }
  }
}

function without(record: Record<string, string>, key: string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}
