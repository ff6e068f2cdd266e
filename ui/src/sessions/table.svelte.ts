/** The conversations of one gateway as rows to find, name and put away. */
import { live, type Live } from '../state/live';
import { asRequestError, RequestError, type Transport } from '../transport/types';
import { uuid } from '../transport/uuid';

export interface SessionRow {
  key: string;
  sessionId: string | null;
  agentId: string | null;
  label: string | null;
  derivedTitle: string | null;
  lastMessagePreview: string | null;
  modelProvider: string | null;
  model: string | null;
  totalTokens: number | null;
  contextTokens: number | null;
  updatedAt: number | null;
  archived: boolean;
  pinned: boolean;
  hasActiveRun: boolean;
  status: string | null;
  lastRunError: string | null;
}

export interface Hit {
  sessionKey: string;
  messageId: string;
  role: string;
  snippet: string;
  timestamp: number;
}

export type Shelf = 'present' | 'archived';
export type Work = 'rename' | 'pin' | 'archive' | 'reset' | 'compact' | 'delete';

interface ListReply {
  sessions?: Partial<SessionRow>[];
  totalCount?: number;
  hasMore?: boolean;
}

const PAGE = 50;
const TYPING_MS = 200;

export class SessionTable {
  /** `null`: not loaded yet. */
  rows = $state.raw<readonly SessionRow[] | null>(null);
  hits = $state.raw<readonly Hit[]>([]);
  total = $state(0);
  more = $state(false);
  agents = $state.raw<readonly string[]>([]);
  problem = $state.raw<RequestError | null>(null);
  /** What is being done to which. */
  busy = $state<{ key: string; work: Work } | null>(null);
  loading = $state(false);
  shelf = $state<Shelf>('present');
  agent = $state('');
  words = $state('');
  #limit = PAGE;
  #loads = 0;
  #typing: ReturnType<typeof setTimeout> | null = null;

  constructor(
    readonly transport: Transport,
    readonly profile: string,
  ) {}

  open(): () => void {
    const opened: Live = live(
      this.transport,
      this.profile,
      () => {
        void this.#ask('sessions.subscribe', {}).catch(() => null);
        void this.#agents();
        return this.load();
      },
      ({ event }, soon) => {
        if (event === 'sessions.changed') soon();
      },
    );
    return () => {
      opened.close();
      if (this.#typing) clearTimeout(this.#typing);
    };
  }

  /** Another filter: begins at the first page. */
  filter(): void {
    this.#limit = PAGE;
    void this.load();
  }

  typed(): void {
    if (this.#typing) clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.filter(), TYPING_MS);
  }

  showMore(): void {
    this.#limit += PAGE;
    void this.load();
  }

  async load(): Promise<void> {
    this.#loads += 1;
    const load = this.#loads;
    this.loading = true;
    const words = this.words.trim();
    try {
      const [list, found] = await Promise.all([
        this.#ask<ListReply>('sessions.list', {
          limit: this.#limit,
          includeDerivedTitles: true,
          includeLastMessage: true,
          archived: this.shelf === 'archived',
          ...(words ? { search: words } : {}),
          ...(this.agent ? { agentId: this.agent } : {}),
        }),
        words.length < 2
          ? { results: [] }
          : this.#ask<{ results?: Hit[] }>('sessions.search', { query: words, limit: 10, ...(this.agent ? { agentId: this.agent } : {}) }).catch(() => ({ results: [] })),
      ]);
      if (load !== this.#loads) return;
      this.rows = (list.sessions ?? []).flatMap(read);
      this.total = list.totalCount ?? this.rows.length;
      this.more = list.hasMore === true;
      this.hits = found.results ?? [];
      this.problem = null;
    } catch (thrown) {
      if (load === this.#loads) this.problem = asRequestError(thrown);
    } finally {
      if (load === this.#loads) this.loading = false;
    }
  }

  rename(row: SessionRow, label: string): Promise<string | null> {
    return this.#work(row, 'rename', () => this.#patch(row, { label: label.trim() || null }));
  }

  pin(row: SessionRow, pinned: boolean): Promise<string | null> {
    return this.#work(row, 'pin', () => this.#patch(row, { pinned }));
  }

  archive(row: SessionRow, archived: boolean): Promise<string | null> {
    return this.#work(row, 'archive', () => this.#patch(row, { archived, ...(row.sessionId ? { expectedSessionId: row.sessionId } : {}) }));
  }

  reset(row: SessionRow): Promise<string | null> {
    return this.#work(row, 'reset', () => this.#ask('sessions.reset', { key: row.key }));
  }

  remove(row: SessionRow): Promise<string | null> {
    return this.#work(row, 'delete', () => this.#ask('sessions.delete', { key: row.key, ...(row.sessionId ? { expectedSessionId: row.sessionId } : {}) }));
  }

  /** What came of it: sizes, or why nothing was done. */
  async compact(row: SessionRow): Promise<{ problem: string } | { before: number; after: number } | { nothing: string }> {
    let outcome: { before: number; after: number } | { nothing: string } = { nothing: '' };
    const problem = await this.#work(row, 'compact', async () => {
      const reply = await this.#ask<{ ok?: boolean; compacted?: boolean; reason?: string; result?: { tokensBefore?: number; tokensAfter?: number } }>('sessions.compact', { key: row.key });
      if (reply.ok === false) throw new RequestError('FAILED', reply.reason ?? '');
      outcome = reply.compacted ? { before: reply.result?.tokensBefore ?? 0, after: reply.result?.tokensAfter ?? 0 } : { nothing: reply.reason ?? '' };
    });
    return problem === null ? outcome : { problem };
  }

  /** Ends with why it was refused, or `null`. */
  async #work(row: SessionRow, work: Work, act: () => Promise<unknown>): Promise<string | null> {
    if (this.busy) return null;
    this.busy = { key: row.key, work };
    try {
      await act();
      return null;
    } catch (thrown) {
      return asRequestError(thrown).message;
    } finally {
      await this.load();
      this.busy = null;
    }
  }

  #patch(row: SessionRow, change: Record<string, unknown>): Promise<unknown> {
    return this.#ask('sessions.patch', { key: row.key, ...change });
  }

  #ask<T = unknown>(method: string, params: Record<string, unknown>): Promise<T> {
    return this.transport.request<T>(this.profile, method, params);
  }

  async #agents(): Promise<void> {
    const reply = await this.#ask<{ agents?: { id?: string }[] }>('agents.list', {}).catch(() => null);
    if (reply?.agents) this.agents = reply.agents.flatMap(({ id }) => id ?? []);
  }
}

/** A key for a conversation that begins with the first message sent. */
export function freshKey(agent: string): string {
  return `agent:${agent || 'main'}:chat-${uuid().slice(0, 8)}`;
}

function read(row: Partial<SessionRow>): SessionRow[] {
  if (typeof row.key !== 'string') return [];
  return [{
    key: row.key,
    sessionId: row.sessionId ?? null,
    agentId: row.agentId ?? null,
    label: row.label ?? null,
    derivedTitle: row.derivedTitle ?? null,
    lastMessagePreview: row.lastMessagePreview ?? null,
    modelProvider: row.modelProvider ?? null,
    model: row.model ?? null,
    totalTokens: row.totalTokens ?? null,
    contextTokens: row.contextTokens ?? null,
    updatedAt: row.updatedAt ?? null,
    archived: row.archived === true,
    pinned: row.pinned === true,
    hasActiveRun: row.hasActiveRun === true,
    status: row.status ?? null,
    lastRunError: row.lastRunError ?? null,
  }];
}
