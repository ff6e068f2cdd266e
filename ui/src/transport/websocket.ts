/** The browser's side of the seam: the one gateway that served this page, over its WebSocket. */
import type { ChannelCard, EventFrame, LogPage, ProfileCard } from '../bindings/commands';
import { GatewaySocket } from './gateway-socket';
import { browserIdentity, type DeviceIdentity } from './identity';
import { Listeners } from './listeners';
import { THIS_GATEWAY } from './this-gateway';
import { forgetToken, keepToken, keptToken } from './token';
import { UI_VERSION } from '../version';
import type { Connection, Transport, Unsubscribe } from './types';
import { uuid } from './uuid';

export class WebSocketTransport implements Transport {
  readonly home = 'browser';
  readonly desktop = null;
  readonly #socket: GatewaySocket;
  readonly #storage: Storage;
  readonly #cards = new Listeners<ProfileCard[]>();

  constructor(location: Location, storage: Storage) {
    this.#storage = storage;
    const url = new URL('./', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    url.hash = '';
    url.search = '';
    let identity: Promise<DeviceIdentity> | null = null;
    this.#socket = new GatewaySocket({
      url: url.href,
      identity: () => (identity ??= browserIdentity()),
      token: () => keptToken(storage),
      version: UI_VERSION,
      instanceId: uuid(),
    });
  }

  open(): void {
    this.#socket.connect();
    const again = () => {
      if (this.#socket.connection.phase === 'waiting') this.#socket.reconnect();
    };
    window.addEventListener('online', again);
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && again());
    this.#socket.changes.add((connection) => {
      if (connection.phase === 'open') void this.profiles().then((cards) => this.#cards.tell(cards));
    });
  }

  login(token: string): void {
    keepToken(this.#storage, token);
    this.#socket.reconnect();
  }

  logout(): void {
    forgetToken(this.#storage);
    this.#socket.reconnect();
  }

  async profiles(): Promise<ProfileCard[]> {
    const { hello } = this.#socket;
    const port = Number(location.port) || (location.protocol === 'https:' ? 443 : 80);
    return [
      {
        name: THIS_GATEWAY,
        state: this.#socket.connection.phase === 'open' ? 'running' : 'unknown',
        since: hello?.snapshot.uptimeMs === undefined ? null : Date.now() - hello.snapshot.uptimeMs,
        basePort: port,
        controlPort: port + 2,
        cdpFirst: port + 11,
        cdpLast: port + 110,
        owner: 'external',
        pid: null,
        memoryBytes: null,
        channels: [] as ChannelCard[],
        problem: null,
        version: hello?.server.version ?? null,
        stateDir: hello?.snapshot.stateDir ?? '',
        workspace: '',
        bot: null,
        readyMs: null,
        pausedUntil: null,
        waiting: 0,
        watching: null,
        ended: null,
        remote: null,
      },
    ];
  }

  onProfiles(listener: (cards: ProfileCard[]) => void): Unsubscribe {
    return this.#cards.add(listener);
  }

  request<T>(_profile: string, method: string, params: unknown = {}): Promise<T> {
    return this.#socket.request<T>(method, params);
  }

  subscribe(_profile: string, listener: (frame: EventFrame) => void): Unsubscribe {
    return this.#socket.events.add(listener);
  }

  connectionState(_profile: string, listener: (connection: Connection) => void): Unsubscribe {
    listener(this.#socket.connection);
    return this.#socket.changes.add(listener);
  }

  logs(_profile: string, cursor: number | null, limit: number): Promise<LogPage> {
    return this.#socket.request<LogPage>('logs.tail', {
      ...(cursor === null ? {} : { cursor }),
      limit,
      maxBytes: 500_000,
    });
  }

  async openExternal(url: string): Promise<void> {
    window.open(url, '_blank', 'noopener,noreferrer');
  }
}
