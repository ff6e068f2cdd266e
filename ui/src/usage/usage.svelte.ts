/** What answers of one gateway took: by day, by model, by conversation. */
import { live } from '../state/live';
import { asRequestError, type RequestError, type Transport } from '../transport/types';

export const RANGES = ['7d', '30d', '90d'] as const;
export type Range = (typeof RANGES)[number];

export interface Totals {
  input: number;
  output: number;
  totalTokens: number;
  totalCost: number;
  /** Runs whose model has no configured price. */
  missingCostEntries: number;
}

export interface Day extends Totals {
  /** `2026-11-20` */
  date: string;
}

export interface ModelUsage {
  provider: string;
  model: string;
  count: number;
  totals: Totals;
}

export interface SessionUsage {
  key: string;
  label?: string;
  agentId?: string;
  usage: Totals | null;
}

export class Usage {
  days = $state.raw<readonly Day[] | null>(null);
  totals = $state.raw<Totals | null>(null);
  models = $state.raw<readonly ModelUsage[]>([]);
  sessions = $state.raw<readonly SessionUsage[]>([]);
  problem = $state.raw<RequestError | null>(null);
  range = $state<Range>('30d');
  #loads = 0;

  constructor(
    readonly transport: Transport,
    readonly profile: string,
  ) {}

  open(): () => void {
    return live(this.transport, this.profile, () => this.load(), ({ event }, soon) => {
      if (event === 'sessions.changed') soon();
    }).close;
  }

  choose(range: Range): void {
    this.range = range;
    void this.load();
  }

  async load(): Promise<void> {
    this.#loads += 1;
    const load = this.#loads;
    const asked = { range: this.range, agentScope: 'all' };
    try {
      const [cost, usage] = await Promise.all([
        this.transport.request<{ daily: Day[]; totals: Totals }>(this.profile, 'usage.cost', asked),
        this.transport.request<{ sessions: SessionUsage[]; aggregates: { byModel?: ModelUsage[] } }>(this.profile, 'sessions.usage', { ...asked, limit: 20 }),
      ]);
      if (load !== this.#loads) return;
      this.days = cost.daily;
      this.totals = cost.totals;
      this.models = [...(usage.aggregates.byModel ?? [])].sort((a, b) => b.totals.totalTokens - a.totals.totalTokens);
      this.sessions = usage.sessions.filter((one) => one.usage !== null && one.usage.totalTokens > 0).sort((a, b) => b.usage!.totalTokens - a.usage!.totalTokens);
      this.problem = null;
    } catch (thrown) {
      if (load === this.#loads) this.problem = asRequestError(thrown);
    }
  }
}
