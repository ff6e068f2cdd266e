/** The conversations of one gateway, newest first, kept fresh by `sessions.changed`. */
import { asRequestError, type Transport, type Unsubscribe } from '../transport/types';
import { uuid } from '../transport/uuid';

export interface Session {
  key: string;
  title: string | null;
  preview: string | null;
  updatedAt: number | null;
  running: boolean;
}

type Loose = Record<string, unknown>;
const text = (value: unknown): string | null => (typeof value === 'string' && value.trim() !== '' ? value : null);

export function readSession(raw: unknown): Session | null {
  const row = (raw ?? {}) as Loose;
  const key = text(row['key']);
  if (key === null) return null;
  return {
    key,
    title: text(row['label']) ?? text(row['derivedTitle']) ?? text(row['displayName']),
    preview: text(row['lastMessagePreview']),
    updatedAt: typeof row['updatedAt'] === 'number' ? row['updatedAt'] : null,
    running: row['hasActiveRun'] === true || row['status'] === 'running',
  };
}

/** Where a conversation lives, told by its key: `agent:<agent>:<channel>:direct:<peer>`, or here. */
export function place(key: string): { channel: string | null; peer: string | null; main: boolean } {
  const parts = key.split(':');
  if (parts[0] !== 'agent') return { channel: null, peer: key, main: false };
  const [, agent, channel, kind, ...peer] = parts;
  if (kind === 'direct' || kind === 'group') return { channel: channel ?? null, peer: peer.join(':'), main: false };
  return { channel: null, peer: parts.slice(2).join(':'), main: parts.length === 3 && (channel === 'main' || channel === agent) };
}

interface Agents {
  defaultId?: string;
  mainKey?: string;
}

export class Sessions {
  all = $state.raw<readonly Session[] | null>(null);
  problem = $state<string | null>(null);
  mainKey = $state('agent:main:main');
  agent = $state('main');

  readonly #off: Unsubscribe[] = [];
  #epoch = -1;
  #soon: ReturnType<typeof setTimeout> | null = null;

  constructor(
    readonly transport: Transport,
    readonly profile: string,
  ) {}

  open(): void {
    this.#off.push(
      this.transport.connectionState(this.profile, ({ phase, epoch }) => {
        if (phase !== 'open' || epoch === this.#epoch) return;
        this.#epoch = epoch;
        void this.#recover();
      }),
      this.transport.subscribe(this.profile, ({ event, payload }) => {
        if (event === 'sessions.changed') this.#changed((payload ?? {}) as Loose);
      }),
    );
  }

  close(): void {
    for (const off of this.#off) off();
    if (this.#soon) clearTimeout(this.#soon);
  }

  async load(): Promise<void> {
    try {
      const { sessions } = await this.transport.request<{ sessions?: unknown[] }>(this.profile, 'sessions.list', {
        limit: 200,
        includeDerivedTitles: true,
        includeLastMessage: true,
      });
      this.all = sorted((sessions ?? []).flatMap((row) => readSession(row) ?? []));
      this.problem = null;
    } catch (thrown) {
      const { message, retryable } = asRequestError(thrown);
      if (!retryable || this.all === null) this.problem = message;
    }
  }

  /** A key for a conversation that begins with the first message sent. */
  freshKey(): string {
    return `agent:${this.agent}:chat-${uuid().slice(0, 8)}`;
  }

  async #recover(): Promise<void> {
    const quiet = <T>(work: Promise<T>) => work.catch(() => null);
    const [agents] = await Promise.all([
      quiet(this.transport.request<Agents>(this.profile, 'agents.list', {})),
      quiet(this.transport.request(this.profile, 'sessions.subscribe', {})),
      this.load(),
    ]);
    if (agents?.defaultId) {
      this.agent = agents.defaultId;
      this.mainKey = `agent:${agents.defaultId}:${agents.mainKey ?? 'main'}`;
    }
  }

  #changed({ session, reason }: Loose): void {
    const row = readSession(session);
    const { archived } = (session ?? {}) as Loose;
    if (row && this.all && (reason === 'delete' || archived === true)) {
      this.all = this.all.filter(({ key }) => key !== row.key);
      return;
    }
    if (row && this.all) {
      const before = this.all.find(({ key }) => key === row.key);
      const merged = { ...row, title: row.title ?? before?.title ?? null, preview: row.preview ?? before?.preview ?? null };
      this.all = sorted([merged, ...this.all.filter(({ key }) => key !== row.key)]);
      return;
    }
    this.#soon ??= setTimeout(() => {
      this.#soon = null;
      void this.load();
    }, 300);
  }
}

function sorted(rows: Session[]): Session[] {
  return rows.sort((a, b) => (b.updatedAt ?? 0) - (a.updatedAt ?? 0));
}
