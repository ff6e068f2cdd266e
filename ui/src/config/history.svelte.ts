/** Versions of a configuration that a gateway ran healthy on, and the way back to one of them. */
import type { ConfigDiff, ConfigVersion, RolledBack } from '../machine/shapes';
import { asRequestError, type Desktop } from '../transport/types';

export class History {
  /** Newest first; `null`: not loaded yet. */
  versions = $state.raw<readonly ConfigVersion[] | null>(null);
  picked = $state.raw<ConfigVersion | null>(null);
  /** What changed from the picked version to the file as it is now. */
  diff = $state.raw<ConfigDiff | null>(null);
  problem = $state<string | null>(null);
  busy = $state(false);

  constructor(
    readonly desktop: Desktop,
    readonly profile: string,
  ) {}

  async load(): Promise<void> {
    try {
      const { versions } = await this.desktop.machine<{ versions: ConfigVersion[] }>(this.profile, { kind: 'config-history' });
      this.versions = versions;
      this.problem = null;
      const first = versions.find(({ current }) => !current) ?? versions[0];
      if (first) await this.pick(first);
    } catch (thrown) {
      this.problem = asRequestError(thrown).message;
    }
  }

  async pick(version: ConfigVersion): Promise<void> {
    this.picked = version;
    this.diff = null;
    this.problem = null;
    try {
      const diff = await this.desktop.machine<ConfigDiff>(this.profile, { kind: 'config-diff', from: version.hash });
      if (this.picked === version) this.diff = diff;
    } catch (thrown) {
      if (this.picked === version) this.problem = asRequestError(thrown).message;
    }
  }

  /** Ends with what was done, or `null` where it was refused. */
  async rollBack(): Promise<RolledBack | null> {
    if (!this.picked || this.busy) return null;
    this.busy = true;
    this.problem = null;
    try {
      return await this.desktop.machine<RolledBack>(this.profile, { kind: 'config-rollback', hash: this.picked.hash });
    } catch (thrown) {
      this.problem = asRequestError(thrown).message;
      return null;
    } finally {
      this.busy = false;
    }
  }
}
