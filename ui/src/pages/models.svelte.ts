/** The models of one gateway: what is set up, which is the default, and whether each answers now. */
import type { ModelApi, PlanModel } from '../bindings/commands';
import { asRequestError, type Desktop, type RequestError, type Transport } from '../transport/types';

export interface Model {
  id: string;
  name: string;
  provider: string;
  /** As the configuration names it. */
  ref: string;
  contextWindow: number | null;
  available: boolean | null;
  why: string | null;
  isDefault: boolean;
}

export interface ProviderRow {
  id: string;
  baseUrl: string | null;
  api: string | null;
  key: 'kept' | 'reference' | 'none';
  models: Model[];
}

export interface Probe {
  state: 'running' | 'ok' | 'failed';
  words: string;
  ms: number | null;
}

interface ConfigReply {
  hash?: string;
  config?: Config;
}
interface Config {
  agents?: { defaults?: { model?: { primary?: string; fallbacks?: string[] } | string } };
  models?: { providers?: Record<string, { baseUrl?: string; api?: string; apiKey?: unknown; models?: { id?: string; name?: string; contextWindow?: number }[] }> };
}
interface ModelReply {
  id: string;
  name?: string;
  provider: string;
  contextWindow?: number;
  available?: boolean;
  unavailableReason?: string;
  tags?: string[];
}
interface ProbeReply {
  status: string;
  latencyMs?: number;
  error?: string;
  results?: { status: string; latencyMs?: number; error?: string }[];
}

/** As the configuration names wire formats. */
const API: Record<ModelApi, string> = { openai: 'openai-completions', anthropic: 'anthropic-messages', ollama: 'ollama' };

export class Models {
  providers = $state.raw<ProviderRow[] | null>(null);
  primary = $state<string | null>(null);
  fallbacks = $state.raw<string[]>([]);
  problem = $state.raw<RequestError | null>(null);
  probes = $state<Record<string, Probe>>({});
  saving = $state<string | null>(null);
  #hash: string | undefined;
  #declared: Record<string, readonly { id?: string }[]> = {};

  constructor(
    readonly transport: Transport,
    readonly profile: string,
  ) {}

  open(): () => void {
    let epoch = -1;
    return this.transport.connectionState(this.profile, (connection) => {
      if (connection.phase !== 'open' || connection.epoch === epoch) return;
      epoch = connection.epoch;
      void this.load();
    });
  }

  async load(): Promise<void> {
    try {
      const [list, config] = await Promise.all([
        this.transport.request<{ models?: ModelReply[] }>(this.profile, 'models.list', { view: 'configured' }),
        this.transport.request<ConfigReply>(this.profile, 'config.get', {}),
      ]);
      this.#hash = config.hash;
      this.#read(config.config ?? {}, list.models ?? []);
      this.problem = null;
    } catch (thrown) {
      this.problem = asRequestError(thrown);
    }
  }

  /** Asks the provider for an answer first; `anyway` leaves that out. Ends with why it was not done, or `null`. */
  async makeDefault(ref: string, anyway = false): Promise<string | null> {
    if (this.saving) return null;
    this.saving = ref;
    try {
      const silent = anyway ? null : await this.#silent([ref]);
      if (silent) return silent;
      return await this.#patch({ agents: { defaults: { model: { primary: ref } } } });
    } finally {
      this.saving = null;
    }
  }

  /** Models that answer when the first choice does not, in order. Each provider that is new among them is asked first. */
  async saveFallbacks(refs: readonly string[], anyway = false): Promise<string | null> {
    if (this.saving) return null;
    this.saving = 'fallbacks';
    try {
      const silent = anyway ? null : await this.#silent(refs.filter((ref) => !this.fallbacks.includes(ref)));
      if (silent) return silent;
      return await this.#patch({ agents: { defaults: { model: { fallbacks: refs } } } }, ['agents.defaults.model.fallbacks']);
    } finally {
      this.saving = null;
    }
  }

  /** A provider that answered just now: its key goes into the store of secrets, the rest into the configuration. */
  async saveProvider(model: PlanModel, desktop: Desktop, asDefault: boolean): Promise<string | null> {
    if (this.saving) return null;
    this.saving = model.provider;
    try {
      let apiKey: unknown;
      if (model.apiKey) {
        const id = `models/${model.provider}/api-key`;
        const { source } = await desktop.machine<{ source: string }>(this.profile, { kind: 'secrets-set', id, value: model.apiKey });
        apiKey = { source, id };
      } else if (model.apiKeyEnv) {
        apiKey = { source: 'env', id: model.apiKeyEnv };
      }
      const listed = this.#declared[model.provider] ?? [];
      const models = listed.some(({ id }) => id === model.modelId) ? listed : [...listed, { id: model.modelId }];
      const provider = { baseUrl: model.baseUrl, api: API[model.api], models, ...(apiKey === undefined ? {} : { apiKey }) };
      const chosen = asDefault ? { agents: { defaults: { model: { primary: `${model.provider}/${model.modelId}` } } } } : {};
      return await this.#patch({ models: { providers: { [model.provider]: provider } }, ...chosen }, [`models.providers.${model.provider}.models`]);
    } catch (thrown) {
      return asRequestError(thrown).message;
    } finally {
      this.saving = null;
    }
  }

  /** Why one of these does not answer now. */
  async #silent(refs: readonly string[]): Promise<string | null> {
    for (const provider of new Set(refs.map((ref) => ref.split('/')[0]!))) {
      await this.probe(provider);
      const probe = this.probes[provider];
      if (probe?.state !== 'ok') return `${provider}: ${probe?.words ?? ''}`;
    }
    return null;
  }

  async #patch(patch: unknown, replacePaths: string[] = []): Promise<string | null> {
    try {
      await this.transport.request(this.profile, 'config.patch', {
        raw: JSON.stringify(patch),
        ...(this.#hash ? { baseHash: this.#hash } : {}),
        ...(replacePaths.length > 0 ? { replacePaths } : {}),
      });
      await this.load();
      return null;
    } catch (thrown) {
      // Somebody else may have changed the file: the next try is about what is there then.
      await this.load();
      return asRequestError(thrown).message;
    }
  }

  /** A live, tiny completion. */
  async probe(provider: string): Promise<void> {
    this.probes[provider] = { state: 'running', words: '', ms: null };
    try {
      const reply = await this.transport.request<ProbeReply>(this.profile, 'models.probe', { provider, timeoutMs: 20_000 });
      const ok = reply.status === 'ok';
      const detail = reply.error ?? reply.results?.find(({ error }) => error)?.error ?? (ok ? '' : reply.status);
      const ms = reply.latencyMs ?? reply.results?.[0]?.latencyMs ?? null;
      this.probes[provider] = { state: ok ? 'ok' : 'failed', words: detail, ms };
    } catch (thrown) {
      this.probes[provider] = { state: 'failed', words: asRequestError(thrown).message, ms: null };
    }
  }

  #read(config: Config, listed: ModelReply[]): void {
    const chosen = config.agents?.defaults?.model;
    this.primary = typeof chosen === 'string' ? chosen : (chosen?.primary ?? null);
    this.fallbacks = typeof chosen === 'object' ? (chosen.fallbacks ?? []) : [];
    const configured = config.models?.providers ?? {};
    this.#declared = Object.fromEntries(Object.entries(configured).map(([id, given]) => [id, given.models ?? []]));
    const ids = new Set([...Object.keys(configured), ...listed.map(({ provider }) => provider)]);
    this.providers = [...ids].sort().map((id) => {
      const given = configured[id];
      const rows = listed.filter(({ provider }) => provider === id);
      const known = new Set(rows.map((row) => row.id));
      const declared: ModelReply[] = (given?.models ?? []).flatMap((one) =>
        one.id && !known.has(one.id)
          ? [{ id: one.id, provider: id, ...(one.name ? { name: one.name } : {}), ...(one.contextWindow ? { contextWindow: one.contextWindow } : {}) }]
          : [],
      );
      return {
        id,
        baseUrl: given?.baseUrl ?? null,
        api: given?.api ?? null,
        key: given?.apiKey === undefined || given.apiKey === null ? 'none' : typeof given.apiKey === 'object' ? 'reference' : 'kept',
        models: [...rows, ...declared].map((row) => {
          const ref = `${id}/${row.id}`;
          return {
            id: row.id,
            name: row.name ?? row.id,
            provider: id,
            ref,
            contextWindow: row.contextWindow ?? null,
            available: row.available ?? null,
            why: row.unavailableReason ?? null,
            isDefault: ref === this.primary,
          };
        }),
      };
    });
  }
}
