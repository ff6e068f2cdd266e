/**
 * Events of one connection are numbered from 1 without holes. A hole means that the gateway dropped
 * a frame because we were too slow; a repeat means that it reached us twice.
 */
export class Sequence {
  /** `null`: we joined somewhere in the middle, so the first number that comes is the start. */
  #last: number | null = 0;

  /** A new connection. `middle`: someone else opened it before we listened. */
  reset(where: 'start' | 'middle' = 'start'): void {
    this.#last = where === 'start' ? 0 : null;
  }

  /** `fresh`: deliver it. `gap`: deliver it, and load again what lives by events. `stale`: drop it. */
  take(seq: number | null | undefined): 'fresh' | 'gap' | 'stale' {
    if (typeof seq !== 'number') return 'fresh';
    const last = this.#last;
    if (last !== null && seq <= last) return 'stale';
    this.#last = seq;
    return last !== null && seq !== last + 1 ? 'gap' : 'fresh';
  }
}
