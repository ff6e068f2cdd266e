/** The secrets of one profile: names and states. Values go one way, in. */
import type { SecretChange, SecretList, Taken } from '../machine/shapes';
import { asRequestError, type Desktop, type RequestError } from '../transport/types';

export class Secrets {
  list = $state.raw<SecretList | null>(null);
  loading = $state(false);
  problem = $state.raw<RequestError | null>(null);
  /** The name of what is being stored or deleted. */
  busy = $state<string | null>(null);
  /** Why it was refused. */
  refused = $state<string | null>(null);

  constructor(
    readonly desktop: Desktop,
    readonly profile: string,
  ) {}

  async load(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    try {
      this.list = await this.desktop.machine<SecretList>(this.profile, { kind: 'secrets-list' });
      this.problem = null;
    } catch (thrown) {
      this.problem = asRequestError(thrown);
    }
    this.loading = false;
  }

  set(id: string, value: string): Promise<Taken | null> {
    return this.#change(id, () => this.desktop.machine<SecretChange>(this.profile, { kind: 'secrets-set', id, value }));
  }

  delete(id: string): Promise<Taken | null> {
    return this.#change(id, () => this.desktop.machine<SecretChange>(this.profile, { kind: 'secrets-delete', id }));
  }

  async #change(id: string, work: () => Promise<SecretChange>): Promise<Taken | null> {
    if (this.busy) return null;
    this.busy = id;
    this.refused = null;
    try {
      const { gateway } = await work();
      await this.load();
      return gateway;
    } catch (thrown) {
      this.refused = asRequestError(thrown).message;
      return null;
    } finally {
      this.busy = null;
    }
  }
}
