/** The configuration of one gateway: as it is, as it is being changed, and what others did to it meanwhile. */
import { live } from '../state/live';
import { asRequestError, type RequestError, type Transport } from '../transport/types';
import { at, changesOf, differences, patchOf, same, type Change, type Edit } from './edits';
import { dotted, sections, type Hint, type Path, type SchemaNode } from './fields';

export interface Issue {
  path?: string;
  message?: string;
}

interface File {
  path: string;
  hash: string;
  raw: string | null;
  config: unknown;
  valid: boolean;
  issues: readonly Issue[];
}

export class Configuration {
  file = $state.raw<File | null>(null);
  schema = $state.raw<{ schema: SchemaNode; hints: Record<string, Hint> } | null>(null);
  problem = $state.raw<RequestError | null>(null);
  /** Why a save was refused. */
  refused = $state<string | null>(null);
  saving = $state(false);
  /** Changes in the form by their path. */
  edits = $state.raw<ReadonlyMap<string, Edit>>(new Map());
  /** The text while it is being changed. */
  text = $state<string | null>(null);
  /** What others changed while something was being changed here. */
  theirs = $state.raw<readonly Change[]>([]);
  readonly sections = $derived(this.file && this.schema ? sections(this.schema.schema, this.schema.hints, this.file.config) : []);
  readonly changes = $derived(changesOf(this.file?.config, [...this.edits.values()]));
  readonly textChanged = $derived(this.text !== null && this.text !== (this.file?.raw ?? ''));
  readonly dirty = $derived(this.changes.length > 0 || this.textChanged);

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
        if (event === 'config.changed') soon();
      },
    ).close;
  }

  /** What is being changed stays; what others changed meanwhile is told. */
  async load(): Promise<void> {
    try {
      const [file, schema] = await Promise.all([
        this.#ask<Partial<File>>('config.get', {}),
        this.schema ?? this.#ask<{ schema: SchemaNode; uiHints?: Record<string, Hint> }>('config.schema', {}).then(({ schema: tree, uiHints }) => ({ schema: tree, hints: uiHints ?? {} })),
      ]);
      const before = this.file;
      this.schema = schema;
      this.file = { path: file.path ?? '', hash: file.hash ?? '', raw: file.raw ?? null, config: file.config ?? {}, valid: file.valid !== false, issues: file.issues ?? [] };
      if (before && before.hash !== this.file.hash && this.dirty && !this.saving) this.theirs = [...this.theirs, ...differences(before.config, this.file.config)];
      this.problem = null;
    } catch (thrown) {
      this.problem = asRequestError(thrown);
    }
  }

  value(path: Path, present: unknown): unknown {
    const edit = this.edits.get(dotted(path));
    return edit ? edit.value : present;
  }

  set(path: Path, value: unknown): void {
    const edits = new Map(this.edits);
    if (same(at(this.file?.config, path), value)) edits.delete(dotted(path));
    else edits.set(dotted(path), { path, value });
    this.edits = edits;
  }

  discard(): void {
    this.edits = new Map();
    this.text = null;
    this.theirs = [];
    this.refused = null;
  }

  /** Ends with what only a restart puts in force, or `null` when it was refused. */
  async save(): Promise<{ restart: string | null } | null> {
    if (!this.file || this.saving) return null;
    this.saving = true;
    this.refused = null;
    try {
      const baseHash = this.file.hash;
      const { patch, lists } = patchOf([...this.edits.values()]);
      const reply = await this.#ask<{ sentinel?: { payload?: { doctorHint?: string } } }>(
        this.textChanged ? 'config.apply' : 'config.patch',
        this.textChanged ? { raw: this.text, baseHash } : { raw: JSON.stringify(patch), baseHash, ...(lists.length > 0 ? { replacePaths: lists } : {}) },
      );
      this.discard();
      await this.load();
      return { restart: reply.sentinel?.payload?.doctorHint ?? null };
    } catch (thrown) {
      const error = asRequestError(thrown);
      const { code } = (error.details ?? {}) as { code?: string };
      if (code === 'config.stale') {
        // Somebody was first: what they did is shown, and saving again puts this on top of it.
        this.saving = false;
        await this.load();
      } else {
        this.refused = error.message;
      }
      return null;
    } finally {
      this.saving = false;
    }
  }

  #ask<T>(method: string, params: Record<string, unknown>): Promise<T> {
    return this.transport.request<T>(this.profile, method, params);
  }
}
