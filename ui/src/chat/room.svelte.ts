/** One open conversation: loads it, keeps it true across reconnections, sends and aborts. */
import { asRequestError, type Connection, type Transport, type Unsubscribe } from '../transport/types';
import { Transcript, type Entry } from './transcript';
import { uuid } from '../transport/uuid';

interface HistoryReply {
  messages?: unknown[];
  hasMore?: boolean;
  pendingInputs?: { items?: { runId?: string }[] };
  sessionInfo?: { hasActiveRun?: boolean; activeRunIds?: string[] };
  inFlightRun?: { runId?: string; text?: string } | null;
}

const PAGE = 100;
const MOST = 1000;
/** The stream may bring fifty pieces a second; the eye needs thirty. */
const DRAW_MS = 33;
const TRIES = 4;

export class Room {
  entries = $state.raw<readonly Entry[]>([]);
  loading = $state(true);
  problem = $state<{ code: string; message: string } | null>(null);
  hasMore = $state(false);
  /** The last message has no answer and nobody works on one: the gateway went down between the two. */
  unanswered = $state<string | null>(null);
  working = $derived(this.entries.some(({ state }) => state === 'streaming' || state === 'sending'));

  readonly #transcript = new Transcript();
  readonly #off: Unsubscribe[] = [];
  #limit = PAGE;
  #epoch = -1;
  #drawing: ReturnType<typeof setTimeout> | null = null;
  #again: ReturnType<typeof setTimeout> | null = null;
  #loads = 0;
  #closed = false;
  #open = false;
  #idle = false;

  constructor(
    readonly transport: Transport,
    readonly profile: string,
    readonly sessionKey: string,
  ) {}

  open(): void {
    this.#off.push(
      this.transport.subscribe(this.profile, ({ event, payload }) => this.#event(event, payload)),
      this.transport.connectionState(this.profile, (connection) => this.#connection(connection)),
    );
  }

  close(): void {
    this.#closed = true;
    for (const off of this.#off) off();
    if (this.#drawing) clearTimeout(this.#drawing);
    if (this.#again) clearTimeout(this.#again);
    void this.transport
      .request(this.profile, 'sessions.messages.unsubscribe', { key: this.sessionKey })
      .catch(() => undefined);
  }

  async send(text: string): Promise<void> {
    const key = uuid();
    this.unanswered = null;
    this.#transcript.outgoing(key, text, Date.now());
    this.#draw();
    await this.#deliver(key, text);
  }

  /** Sends again what was refused, under the same key: the gateway answers each key once. */
  async resend(key: string): Promise<void> {
    const entry = this.entries.find(({ message }) => message.key === key && message.id === null);
    if (!entry) return;
    this.#transcript.mark(key, 'sending');
    this.#draw();
    await this.#deliver(key, entry.message.text);
  }

  discard(key: string): void {
    this.#transcript.forget(key);
    this.#draw();
  }

  async abort(): Promise<void> {
    const [runId] = this.#transcript.running();
    await this.transport.request(this.profile, 'chat.abort', {
      sessionKey: this.sessionKey,
      ...(runId ? { runId } : {}),
    });
  }

  async earlier(): Promise<void> {
    this.#limit = Math.min(MOST, this.#limit * 3);
    await this.reload();
  }

  async reload(): Promise<void> {
    this.#loads += 1;
    const load = this.#loads;
    try {
      const reply = await this.transport.request<HistoryReply>(this.profile, 'chat.history', {
        sessionKey: this.sessionKey,
        limit: this.#limit,
      });
      if (this.#closed || load !== this.#loads) return;
      const active = activeRuns(reply);
      this.#idle = active?.length === 0 && (reply.pendingInputs?.items ?? []).length === 0;
      this.#transcript.load({
        messages: reply.messages ?? [],
        active,
        inFlight: reply.inFlightRun?.runId ? { runId: reply.inFlightRun.runId, text: reply.inFlightRun.text ?? '' } : null,
        queued: (reply.pendingInputs?.items ?? []).flatMap(({ runId }) => (runId ? [runId] : [])),
      });
      this.hasMore = reply.hasMore === true && this.#limit < MOST;
      this.problem = null;
    } catch (thrown) {
      if (this.#closed || load !== this.#loads) return;
      const { code, message, retryable } = asRequestError(thrown);
      if (!retryable || this.loading) this.problem = { code, message };
    }
    this.loading = false;
    this.#draw();
  }

  async #deliver(key: string, text: string, tries = 1): Promise<void> {
    if (this.#closed) return;
    try {
      await this.transport.request(this.profile, 'chat.send', {
        sessionKey: this.sessionKey,
        message: text,
        deliver: false,
        idempotencyKey: key,
      });
      this.#transcript.mark(key, 'sent');
    } catch (thrown) {
      const error = asRequestError(thrown);
      // The connection went away: whether it arrived is known when the history is there again. A gateway
      // that is only busy gets the same key again; it runs each key once.
      if (!error.retryable || (this.#open && tries >= TRIES)) this.#transcript.mark(key, 'unsent', error.message);
      else if (this.#open) setTimeout(() => void this.#deliver(key, text, tries + 1), 1500 * tries);
    }
    this.#draw();
  }

  #connection({ phase, epoch }: Connection): void {
    this.#open = phase === 'open';
    if (phase !== 'open' || epoch === this.#epoch) return;
    this.#epoch = epoch;
    void this.#recover();
  }

  async #recover(): Promise<void> {
    await this.transport
      .request(this.profile, 'sessions.messages.subscribe', { key: this.sessionKey })
      .catch(() => undefined);
    await this.reload();
    for (const { key, text } of this.#transcript.unconfirmed()) {
      if (!this.#closed) await this.#deliver(key, text);
    }
    this.unanswered = this.#idle ? this.#withoutAnswer() : null;
  }

  /** The last question, when nothing answers it: none came, or what came was cut off. */
  #withoutAnswer(): string | null {
    const { entries } = this.#transcript;
    const last = entries.at(-1);
    if (last?.message.role === 'assistant' && last.state === 'interrupted') {
      return entries.findLast(({ message }) => message.role === 'user')?.message.text ?? null;
    }
    return last?.message.role === 'user' && last.message.id !== null ? last.message.text : null;
  }

  #event(event: string, payload: unknown): void {
    const about = (payload ?? {}) as { sessionKey?: unknown; state?: unknown; message?: unknown; messageId?: unknown; runId?: unknown };
    if (about.sessionKey !== this.sessionKey) return;
    if (event === 'chat') {
      this.unanswered = null;
      this.#transcript.chat(payload, Date.now());
      if (about.state === 'final' || about.state === 'aborted' || about.state === 'error') this.#reloadSoon();
    } else if (event === 'session.message') {
      this.#transcript.written(about.message, { id: about.messageId, runId: about.runId });
    } else if (event === 'agent' || event === 'session.tool') {
      this.#transcript.tool(payload, Date.now());
    } else {
      return;
    }
    this.#draw();
  }

  /** After a run the history has the last word (ids, tool results, what was cut). */
  #reloadSoon(): void {
    if (this.#again) clearTimeout(this.#again);
    this.#again = setTimeout(() => void this.reload(), 400);
  }

  #draw(): void {
    this.#drawing ??= setTimeout(() => {
      this.#drawing = null;
      this.entries = this.#transcript.entries;
    }, DRAW_MS);
  }
}

function activeRuns({ sessionInfo, inFlightRun }: HistoryReply): string[] | null {
  const streaming = inFlightRun?.runId ? [inFlightRun.runId] : [];
  if (sessionInfo?.activeRunIds) return [...new Set([...sessionInfo.activeRunIds, ...streaming])];
  if (streaming.length) return streaming;
  return sessionInfo?.hasActiveRun === false ? [] : null;
}
