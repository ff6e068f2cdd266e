/**
 * What a conversation looks like right now, from three sources that overlap: the history (the truth,
 * loaded after every (re)connection), messages as they are written, and a run's text as it streams.
 * Everything is matched by message id, by the sender's key, or by run, so that nothing shows twice and
 * nothing that was seen or sent is lost.
 */
import { contentText, pretty, readMessage, toolResults, type Message, type ToolCall, type ToolResult } from './messages';

export type EntryState =
  | 'sending' // ours, on its way
  | 'sent' // accepted by the gateway
  | 'unsent' // refused; can be sent again
  | 'streaming'
  | 'final'
  | 'aborted'
  | 'failed'
  | 'interrupted'; // the gateway went away in the middle

export interface Entry {
  /** Stays the same while the entry turns from local to written. */
  readonly local: string;
  readonly message: Message;
  readonly state: EntryState;
  /** What a run that has no words yet is doing. */
  readonly phase: string | null;
}

interface Live {
  seq: number;
  /** The run's whole text so far, of which `consumed` is already in written messages. */
  text: string;
  consumed: string;
}

export interface History {
  messages: unknown[];
  /** Runs that go on; `null` when the gateway does not say. */
  active: string[] | null;
  /** What a run has said so far, for who comes in the middle of it. */
  inFlight?: { runId: string; text: string } | null;
  /** Inputs that wait in the gateway's queue, by run id. */
  queued?: string[];
}

type Loose = Record<string, unknown>;

export class Transcript {
  entries: readonly Entry[] = [];
  #live = new Map<string, Live>();
  #count = 0;

  /** A message that this window sends. */
  outgoing(key: string, text: string, now: number): void {
    this.entries = [
      ...this.entries,
      {
        local: this.#name(),
        state: 'sending',
        phase: null,
        message: {
          id: null, role: 'user', text, tools: [], time: now, runId: null, key, stopReason: null, error: null,
        },
      },
    ];
  }

  mark(key: string, state: 'sending' | 'sent' | 'unsent', error: string | null = null): void {
    this.#update(
      (entry) => entry.message.role === 'user' && entry.message.key === key && entry.message.id === null,
      (entry) => ({ ...entry, state, message: { ...entry.message, error } }),
    );
  }

  forget(key: string): void {
    this.entries = this.entries.filter((entry) => !(entry.message.key === key && entry.message.id === null));
  }

  /** Ours, not yet seen in the history: to be sent again under the same key after a reconnection. */
  unconfirmed(): { key: string; text: string }[] {
    return this.entries.flatMap(({ message, state }) =>
      message.role === 'user' && message.id === null && message.key !== null && state !== 'unsent'
        ? [{ key: message.key, text: message.text }]
        : [],
    );
  }

  running(): string[] {
    return this.entries.flatMap(({ state, message }) => (state === 'streaming' && message.runId ? [message.runId] : []));
  }

  /** The history as the gateway has it. */
  load({ messages, active, inFlight = null, queued = [] }: History, now = Date.now()): void {
    const old = this.entries;
    const used = new Set<Entry>();
    const seen = new Set<string>();
    const fresh: Entry[] = [];
    const results: ToolResult[] = [];
    for (const raw of messages) {
      results.push(...toolResults(raw));
      const message = readMessage(raw);
      if (!message || (message.id !== null && seen.has(message.id))) continue;
      if (message.id !== null) seen.add(message.id);
      const known = old.find((entry) => !used.has(entry) && same(entry, message));
      if (known) used.add(known);
      fresh.push({ local: known?.local ?? this.#name(), message, state: writtenState(message), phase: null });
    }
    const answered = new Set(fresh.flatMap(({ message }) => (message.role === 'assistant' && message.runId ? [message.runId] : [])));
    const written = fresh.map((entry) => withResults(entry, results, active === null || active.length > 0));
    const kept: Entry[] = [];
    for (const entry of old) {
      if (used.has(entry) || entry.message.id !== null) continue;
      const { runId, role } = entry.message;
      if (role === 'user') {
        kept.push(entry.state === 'sending' && queued.includes(entry.message.key ?? '') ? { ...entry, state: 'sent' } : entry);
        continue;
      }
      const goesOn = entry.state === 'streaming' && (active === null || (runId !== null && active.includes(runId)));
      if (goesOn) {
        const live = runId ? this.#live.get(runId) : undefined;
        if (live) live.consumed = consumedBy(written, runId, live.text);
        kept.push(this.#redrawn(entry, live));
        continue;
      }
      // An error is an event only; what was said before it may be written all the same.
      const failedHere = entry.state === 'failed' && !written.some((one) => one.message.runId === runId && one.state === 'failed');
      if (runId !== null && answered.has(runId) && !failedHere) continue;
      const empty = entry.message.text === '' && entry.message.tools.length === 0;
      const shown = failedHere && runId !== null && answered.has(runId) ? { ...entry, message: { ...entry.message, text: '', tools: [] } } : entry;
      if (entry.state !== 'streaming') afterRun(written, shown);
      else if (!empty) afterRun(written, { ...entry, state: 'interrupted', phase: null });
    }
    this.entries = [...written, ...kept];
    if (inFlight) this.#joinRun(inFlight, now);
  }

  /** A run that began before we looked, or went on while we were away. */
  #joinRun({ runId, text }: { runId: string; text: string }, now: number): void {
    const live = this.#live.get(runId) ?? { seq: -1, text: '', consumed: '' };
    if (text.length > live.text.length) live.text = text;
    live.consumed = consumedBy(this.entries, runId, live.text);
    this.#live.set(runId, live);
    this.#run(runId, now, (entry) => this.#redrawn({ ...entry, state: 'streaming' }, live));
  }

  /** A `session.message` event: one message was written. */
  written(raw: unknown, given: { id?: unknown; runId?: unknown } = {}): void {
    const results = toolResults(raw);
    if (results.length) this.entries = this.entries.map((entry) => withResults(entry, results, true));
    const message = readMessage(raw, given);
    if (!message) return;
    const at = this.entries.findIndex((entry) => same(entry, message));
    if (at >= 0) {
      this.#replace(at, { ...this.entries[at]!, message: keepTools(message, this.entries[at]!.message.tools), state: writtenState(message), phase: null });
      return;
    }
    const entry: Entry = { local: this.#name(), message, state: writtenState(message), phase: null };
    const runAt = this.entries.findIndex(({ state }) => state === 'streaming');
    if (runAt < 0) {
      this.entries = [...this.entries, entry];
      return;
    }
    const running = this.entries[runAt]!;
    if (message.role !== 'assistant' || (message.runId !== null && message.runId !== running.message.runId)) {
      this.entries = message.role === 'user' ? [...this.entries.slice(0, runAt), entry, ...this.entries.slice(runAt)] : [...this.entries, entry];
      return;
    }
    // The run wrote a part of what it streams (words before a tool call): that part leaves the stream.
    const live = running.message.runId ? this.#live.get(running.message.runId) : undefined;
    if (live) live.consumed = consumedBy([...this.entries, entry], running.message.runId, live.text);
    const moved = new Set(message.tools.map((tool) => tool.id));
    const rest = running.message.tools.filter((tool) => !moved.has(tool.id));
    const part = { ...entry, message: keepTools(message, running.message.tools) };
    const still = this.#redrawn({ ...running, message: { ...running.message, tools: rest } }, live);
    this.entries = [...this.entries.slice(0, runAt), part, still, ...this.entries.slice(runAt + 1)];
  }

  /** A `chat` event: a run's state or words. Repeats and stragglers change nothing. */
  chat(payload: unknown, now: number): void {
    const event = (payload ?? {}) as Loose;
    const runId = typeof event['runId'] === 'string' ? event['runId'] : null;
    if (runId === null) return;
    const seq = typeof event['seq'] === 'number' ? event['seq'] : null;
    const live = this.#live.get(runId) ?? { seq: -1, text: '', consumed: '' };
    if (seq !== null && seq <= live.seq) return;
    if (seq !== null) live.seq = seq;
    this.#live.set(runId, live);
    if (this.#live.size > 200) this.#live.delete(this.#live.keys().next().value!);
    const state = event['state'];
    const whole = contentText((event['message'] as Loose | undefined)?.['content']);
    if (state === 'status') {
      this.#run(runId, now, (entry) => ({ ...entry, phase: String(event['phase'] ?? '') || null }));
      return;
    }
    if (state === 'delta') {
      const delta = typeof event['deltaText'] === 'string' ? event['deltaText'] : '';
      live.text = whole !== '' ? whole : event['replace'] === true ? delta : live.text + delta;
      this.#run(runId, now, (entry) => this.#redrawn({ ...entry, phase: null }, live));
      return;
    }
    if (state !== 'final' && state !== 'aborted' && state !== 'error') return;
    if (whole !== '') live.text = whole;
    const error = state === 'error' ? String(event['errorMessage'] ?? '') || null : null;
    const stopReason = typeof event['stopReason'] === 'string' ? event['stopReason'] : null;
    const end: EntryState = state === 'error' ? 'failed' : state;
    const drawn = this.entries.some((entry) => entry.message.runId === runId && entry.message.id === null);
    if (!drawn && this.#hasWritten(runId, live.text)) return;
    if (!drawn && live.text === '' && error === null) return;
    this.#run(runId, now, (entry) => {
      const done = this.#redrawn(entry, live);
      const tools = done.message.tools.map((tool): ToolCall => (tool.state === 'running' ? { ...tool, state: 'interrupted' } : tool));
      return { ...done, state: end, phase: null, message: { ...done.message, tools, error, stopReason } };
    });
    this.entries = this.entries.filter(
      ({ message, state: how }) =>
        message.runId !== runId || message.id !== null || message.text !== '' || message.tools.length > 0 || how === 'failed',
    );
  }

  /** An `agent` event of the stream `tool`. */
  tool(payload: unknown, now: number): void {
    const event = (payload ?? {}) as Loose;
    if (event['stream'] !== 'tool' || typeof event['runId'] !== 'string') return;
    const data = (event['data'] ?? {}) as Loose;
    const id = String(data['toolCallId'] ?? data['id'] ?? '');
    if (id === '') return;
    const ended = data['phase'] === 'result' || data['phase'] === 'end' || data['phase'] === 'error';
    const failed = data['isError'] === true || data['phase'] === 'error';
    const output = ended ? contentText((data['result'] as Loose | undefined)?.['content']) || pretty(data['result'] ?? data['error']) : null;
    const owner = this.entries.find((entry) => entry.message.tools.some((tool) => tool.id === id));
    if (owner) {
      if (!ended) return;
      this.#update(
        (entry) => entry === owner,
        (entry) => withResults(entry, [{ id, name: '', output: output ?? '', failed }], true),
      );
      return;
    }
    const call: ToolCall = {
      id,
      name: String(data['name'] ?? data['toolName'] ?? 'tool'),
      input: pretty(data['args'] ?? data['input'] ?? data['arguments']),
      output,
      failed,
      state: ended ? 'done' : 'running',
    };
    this.#run(event['runId'], now, (entry) => ({
      ...entry,
      phase: null,
      message: { ...entry.message, tools: [...entry.message.tools, call] },
    }));
  }

  #run(runId: string, now: number, change: (entry: Entry) => Entry): void {
    const at = this.entries.findIndex((entry) => entry.message.runId === runId && entry.message.id === null);
    if (at >= 0) {
      this.#replace(at, change(this.entries[at]!));
      return;
    }
    const message: Message = {
      id: null, role: 'assistant', text: '', tools: [], time: now, runId, key: null, stopReason: null, error: null,
    };
    this.entries = [...this.entries, change({ local: this.#name(), message, state: 'streaming', phase: null })];
  }

  #redrawn(entry: Entry, live: Live | undefined): Entry {
    if (!live) return entry;
    const rest = live.text.startsWith(live.consumed) ? live.text.slice(live.consumed.length).trimStart() : live.text;
    return { ...entry, message: { ...entry.message, text: rest } };
  }

  #hasWritten(runId: string, text: string): boolean {
    return this.entries.some(
      ({ message }) => message.id !== null && message.role === 'assistant' && message.runId === runId && (text === '' || text.endsWith(message.text)),
    );
  }

  #update(which: (entry: Entry) => boolean, change: (entry: Entry) => Entry): void {
    this.entries = this.entries.map((entry) => (which(entry) ? change(entry) : entry));
  }

  #replace(at: number, entry: Entry): void {
    this.entries = [...this.entries.slice(0, at), entry, ...this.entries.slice(at + 1)];
  }

  #name(): string {
    this.#count += 1;
    return `e${this.#count}`;
  }
}

/** Puts what only we know of a run behind what is written of it (its question carries the run's id as its key). */
function afterRun(written: Entry[], entry: Entry): void {
  const { runId } = entry.message;
  const at = written.findLastIndex(({ message }) => runId !== null && (message.runId === runId || message.key === runId));
  if (at < 0) written.push(entry);
  else written.splice(at + 1, 0, entry);
}

/** Is `entry` what `message` shows? */
function same(entry: Entry, message: Message): boolean {
  const mine = entry.message;
  if (mine.id !== null) return mine.id === message.id;
  if (mine.role !== message.role) return false;
  if (message.role === 'user') return mine.key !== null && mine.key === message.key;
  if (entry.state === 'streaming') return false;
  // A run that ended here and was then written: the last words of the run are the same.
  const sameRun = message.runId === null || mine.runId === message.runId;
  return sameRun && mine.text.trim() === message.text.trim();
}

function writtenState(message: Message): EntryState {
  if (message.role === 'user') return 'sent';
  if (message.interrupted) return 'interrupted';
  if (message.error !== null || message.stopReason === 'error') return 'failed';
  return message.stopReason === 'aborted' || message.stopReason === 'rpc' ? 'aborted' : 'final';
}

/** The beginning of a run's text that is already in its written messages. */
function consumedBy(entries: readonly Entry[], runId: string | null, whole: string): string {
  let consumed = '';
  for (const { message } of entries) {
    if (message.id === null || message.role !== 'assistant' || message.runId !== runId || message.text === '') continue;
    const rest = whole.slice(consumed.length);
    const lead = rest.length - rest.trimStart().length;
    if (rest.trimStart().startsWith(message.text)) consumed = whole.slice(0, consumed.length + lead + message.text.length);
  }
  return consumed;
}

function keepTools(message: Message, known: readonly ToolCall[]): Message {
  return {
    ...message,
    tools: message.tools.map((tool) => {
      const before = known.find((one) => one.id === tool.id);
      return before && tool.output === null ? { ...tool, output: before.output, failed: before.failed, state: before.state } : tool;
    }),
  };
}

/** Puts results into the calls they answer; a call that nobody will answer any more was interrupted. */
function withResults(entry: Entry, results: readonly ToolResult[], mayFollow: boolean): Entry {
  if (entry.message.tools.length === 0) return entry;
  let changed = false;
  const tools = entry.message.tools.map((tool): ToolCall => {
    const result = results.find((one) => one.id === tool.id);
    if (result) {
      changed = true;
      return { ...tool, output: result.output, failed: result.failed, state: 'done' };
    }
    if (!mayFollow && tool.state === 'running') {
      changed = true;
      return { ...tool, state: 'interrupted' };
    }
    return tool;
  });
  return changed ? { ...entry, message: { ...entry.message, tools } } : entry;
}
