import type { Unsubscribe } from './types';

/** A set of callbacks. One that throws does not keep the others from being called. */
export class Listeners<T> {
  #all = new Set<(value: T) => void>();

  add(listener: (value: T) => void): Unsubscribe {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  tell(value: T): void {
    for (const listener of [...this.#all]) {
      try {
        listener(value);
      } catch (error) {
        console.error('a listener failed', error);
      }
    }
  }
}
