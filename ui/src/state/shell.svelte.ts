/** What the whole window knows: the profiles, how each is reached, and which page is open. */
import { getContext, setContext } from 'svelte';
import type { Announcement, ProfileCard } from '../bindings/commands';
import { asRequestError, type Connection, type RequestError, type Transport } from '../transport/types';
import { readRoute, writeRoute, type Page, type Route } from './route';

const KEY = Symbol('shell');
const POLL_MS = 5_000;

export class Shell {
  /** `null`: nothing has answered yet. */
  cards = $state.raw<ProfileCard[] | null>(null);
  problem = $state.raw<RequestError | null>(null);
  /** What the app itself has to say. */
  announcements = $state.raw<Announcement[]>([]);
  connections = $state<Record<string, Connection>>({});
  route = $state.raw<Route>({ page: 'home', profile: null });
  now = $state(Date.now());

  #watched = new Set<string>();

  constructor(readonly transport: Transport) {
    this.route = readRoute(location.hash, this.home);
  }

  get home(): Page {
    return this.transport.home === 'app' ? 'home' : 'chat';
  }

  get inApp(): boolean {
    return this.transport.home === 'app';
  }

  /**
   * The profile that a page is about: the address', else main, else the first. Derived, so that pages begin anew only
   * when it is another one, not whenever the cards are looked at again.
   */
  readonly profile: string | null = $derived.by(() => {
    const cards = this.cards ?? [];
    const wanted = this.route.profile;
    if (wanted && cards.some(({ name }) => name === wanted)) return wanted;
    return cards.find(({ name }) => name === 'main')?.name ?? cards[0]?.name ?? null;
  });

  start(): () => void {
    const off = this.transport.onProfiles((cards) => this.#take(cards));
    const offSaid = this.transport.desktop?.onAnnouncements((announcements) => (this.announcements = announcements));
    const onHash = () => (this.route = readRoute(location.hash, this.home));
    window.addEventListener('hashchange', onHash);
    const clock = setInterval(() => (this.now = Date.now()), 1_000);
    const poll = setInterval(() => document.visibilityState === 'visible' && void this.refresh(), POLL_MS);
    void this.refresh();
    return () => {
      off();
      offSaid?.();
      window.removeEventListener('hashchange', onHash);
      clearInterval(clock);
      clearInterval(poll);
    };
  }

  async refresh(): Promise<void> {
    try {
      this.#take(await this.transport.profiles());
    } catch (thrown) {
      this.problem = asRequestError(thrown);
    }
  }

  go(page: Page, profile: string | null = null, at: string | null = null): void {
    location.hash = writeRoute({ page, profile, at });
  }

  #take(cards: ProfileCard[]): void {
    this.cards = cards;
    this.problem = null;
    for (const { name } of cards) {
      if (this.#watched.has(name)) continue;
      this.#watched.add(name);
      this.transport.connectionState(name, (connection) => (this.connections[name] = connection));
    }
  }
}

export function provideShell(shell: Shell): void {
  setContext(KEY, shell);
}

export function useShell(): Shell {
  return getContext<Shell>(KEY);
}
