/** The jobs of one gateway and their runs, kept fresh by the `cron` event. */
import { live } from '../state/live';
import { asRequestError, type RequestError, type Transport } from '../transport/types';
import type { Job, Run } from './job';

export interface Choices {
  agents: readonly string[];
  sessions: readonly { key: string; name: string }[];
  channels: readonly { id: string; label: string }[];
}

interface Sessions {
  sessions?: { key?: string; label?: string; derivedTitle?: string }[];
}

const RUNS = 20;
const JOBS = 200;

export class Schedules {
  /** `null`: not loaded yet. */
  jobs = $state.raw<readonly Job[] | null>(null);
  /** Whether jobs run by themselves at all. */
  enabled = $state(true);
  problem = $state.raw<RequestError | null>(null);
  busy = $state<string | null>(null);
  /** The job whose history is open. */
  opened = $state<string | null>(null);
  runs = $state.raw<readonly Run[] | null>(null);
  runsProblem = $state<string | null>(null);
  moreRuns = $state(false);
  #runLimit = RUNS;
  #loads = 0;

  constructor(
    readonly transport: Transport,
    readonly profile: string,
  ) {}

  open(): () => void {
    return live(
      this.transport,
      this.profile,
      () => this.load(),
      ({ event }, soon) => {
        if (event === 'cron') soon();
      },
    ).close;
  }

  async load(): Promise<void> {
    this.#loads += 1;
    const load = this.#loads;
    try {
      const [list, status] = await Promise.all([
        this.#ask<{ jobs?: Job[] }>('cron.list', { includeDisabled: true, includeDeliveryPreviews: false, limit: JOBS, sortBy: 'nextRunAtMs', sortDir: 'asc' }),
        this.#ask<{ enabled?: boolean }>('cron.status', {}),
        this.opened === null ? null : this.loadRuns(),
      ]);
      if (load !== this.#loads) return;
      this.jobs = (list.jobs ?? []).map((job) => ({ ...job, state: job.state ?? {} }));
      this.enabled = status.enabled !== false;
      this.problem = null;
    } catch (thrown) {
      if (load === this.#loads) this.problem = asRequestError(thrown);
    }
  }

  async showRuns(id: string | null): Promise<void> {
    this.opened = id;
    this.runs = null;
    this.runsProblem = null;
    this.#runLimit = RUNS;
    if (id !== null) await this.loadRuns();
  }

  async olderRuns(): Promise<void> {
    this.#runLimit += RUNS;
    await this.loadRuns();
  }

  async loadRuns(): Promise<void> {
    const id = this.opened;
    try {
      const { entries, hasMore } = await this.#ask<{ entries?: Run[]; hasMore?: boolean }>('cron.runs', { scope: 'job', id, limit: this.#runLimit, sortDir: 'desc' });
      if (id !== this.opened) return;
      this.runs = entries ?? [];
      this.moreRuns = hasMore === true && this.#runLimit < JOBS;
      this.runsProblem = null;
    } catch (thrown) {
      if (id === this.opened) this.runsProblem = asRequestError(thrown).message;
    }
  }

  turn(job: Job, enabled: boolean): Promise<string | null> {
    return this.#work(job.id, () => this.#ask('cron.update', { id: job.id, patch: { enabled } }));
  }

  /** Refused, begun, or the protocol's word for why it did not begin. */
  async runNow(job: Job): Promise<{ problem: string } | { reason: string | null }> {
    let reason: string | null = null;
    const problem = await this.#work(job.id, async () => {
      const reply = await this.#ask<{ ran?: boolean; reason?: string }>('cron.run', { id: job.id, mode: 'force' });
      if (reply.ran === false) reason = reply.reason ?? '';
    });
    return problem === null ? { reason } : { problem };
  }

  remove(job: Job): Promise<string | null> {
    return this.#work(job.id, () => this.#ask('cron.remove', { id: job.id }));
  }

  add(params: Record<string, unknown>): Promise<string | null> {
    return this.#work('', () => this.#ask('cron.add', params));
  }

  change(job: Job, patch: Record<string, unknown>): Promise<string | null> {
    return this.#work(job.id, () => this.#ask('cron.update', { id: job.id, patch, ...(job.configRevision ? { expectedConfigRevision: job.configRevision } : {}) }));
  }

  /** What the form offers. What a gateway does not tell is not offered. */
  async choices(): Promise<Choices> {
    const quiet = <T>(work: Promise<T>) => work.catch(() => null);
    const [agents, sessions, channels] = await Promise.all([
      quiet(this.#ask<{ agents?: { id?: string }[] }>('agents.list', {})),
      quiet(this.#ask<Sessions>('sessions.list', { limit: 50, includeDerivedTitles: true })),
      quiet(this.#ask<{ channelOrder?: string[]; channelLabels?: Record<string, string> }>('channels.status', {})),
    ]);
    return {
      agents: (agents?.agents ?? []).flatMap(({ id }) => id ?? []),
      sessions: (sessions?.sessions ?? []).flatMap(({ key, label, derivedTitle }) => (key ? [{ key, name: label ?? derivedTitle ?? key }] : [])),
      channels: (channels?.channelOrder ?? []).map((id) => ({ id, label: channels?.channelLabels?.[id] ?? id })),
    };
  }

  /** Ends with why it was refused, or `null`. */
  async #work(id: string, act: () => Promise<unknown>): Promise<string | null> {
    if (this.busy !== null) return null;
    this.busy = id;
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

  #ask<T = unknown>(method: string, params: Record<string, unknown>): Promise<T> {
    return this.transport.request<T>(this.profile, method, params);
  }
}
