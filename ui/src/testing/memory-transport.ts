/**
 * A gateway and an app in memory, for tests and for `npm run dev -- --mode demo`. Answers requests from
 * a table, remembers what was asked, and lets the test say what happens next. Never in a release bundle.
 */
import type {
  Announcement, AppInfo, CreatedProfile, Detection, Elsewhere, EventFrame, LogPage, MachineRequest, ProfileCard, SetupProgress, SetupRequest, SetupResult, UpdateState,
} from '../bindings/commands';
import { Listeners } from '../transport/listeners';
import { RequestError, type Connection, type Desktop, type Transport, type Unsubscribe } from '../transport/types';

export type Answer = (params: Record<string, unknown>, profile: string) => unknown;

export class MemoryTransport implements Transport {
  desktop: Desktop | null = null;
  cards: ProfileCard[] = [];
  answers: Record<string, Answer> = {};
  asked: { profile: string; method: string; params: Record<string, unknown> }[] = [];
  opened: string[] = [];
  logLines: Record<string, string[]> = {};
  #connections = new Map<string, Connection>();
  #events = new Listeners<{ profile: string; frame: EventFrame }>();
  #changes = new Listeners<{ profile: string; connection: Connection }>();
  #cardListeners = new Listeners<ProfileCard[]>();

  constructor(readonly home: 'app' | 'browser' = 'app') {}

  async profiles(): Promise<ProfileCard[]> {
    return this.cards;
  }
  onProfiles(listener: (cards: ProfileCard[]) => void): Unsubscribe {
    return this.#cardListeners.add(listener);
  }
  show(cards: ProfileCard[]): void {
    this.cards = cards;
    this.#cardListeners.tell(cards);
  }

  async request<T>(profile: string, method: string, params: unknown = {}): Promise<T> {
    this.asked.push({ profile, method, params: params as Record<string, unknown> });
    if (this.connection(profile).phase !== 'open') throw new RequestError('NOT_CONNECTED', 'The gateway is not connected right now.', true);
    const answer = this.answers[method];
    if (!answer) throw new RequestError('INVALID_REQUEST', `unknown method: ${method}`);
    return (await answer(params as Record<string, unknown>, profile)) as T;
  }

  subscribe(profile: string, listener: (frame: EventFrame) => void): Unsubscribe {
    return this.#events.add((event) => event.profile === profile && listener(event.frame));
  }
  emit(profile: string, event: string, payload: unknown): void {
    this.#events.tell({ profile, frame: { event, payload } });
  }

  connection(profile: string): Connection {
    return this.#connections.get(profile) ?? { phase: 'connecting', epoch: 0, code: null, message: null };
  }
  connectionState(profile: string, listener: (connection: Connection) => void): Unsubscribe {
    listener(this.connection(profile));
    return this.#changes.add((change) => change.profile === profile && listener(change.connection));
  }
  connect(profile: string): void {
    this.set(profile, { phase: 'open', epoch: this.connection(profile).epoch + 1, code: null, message: null });
  }
  lose(profile: string, code = 'CONNECTION_LOST', phase: Connection['phase'] = 'waiting'): void {
    this.set(profile, { ...this.connection(profile), phase, code, message: 'The connection to the gateway was lost.' });
  }
  set(profile: string, connection: Connection): void {
    this.#connections.set(profile, connection);
    this.#changes.tell({ profile, connection });
  }

  async logs(profile: string, cursor: number | null): Promise<LogPage> {
    const all = this.logLines[profile] ?? [];
    return { file: `~/.bulkhead/logs/gateway.jsonl`, cursor: all.length, size: all.length, lines: all.slice(cursor ?? 0) };
  }

  async openExternal(url: string): Promise<void> {
    this.opened.push(url);
  }
}

/** The app's half: set-up, drafts, autostart. Each part can be replaced by a test. */
export class MemoryDesktop implements Desktop {
  draft: unknown = null;
  saved: unknown[] = [];
  login = false;
  calls: string[] = [];
  requests: SetupRequest[] = [];
  onSetup: (request: SetupRequest, progress: (line: SetupProgress) => void) => Promise<SetupResult> = async () => result();
  onStart: (profile: string) => Promise<void> = async () => undefined;
  machined: { profile: string; request: MachineRequest }[] = [];
  onMachine: (request: MachineRequest, tell: (line: unknown) => void, profile: string) => Promise<unknown> = async ({ kind }) => {
    throw new RequestError('bad-request', `nothing answers ${kind}`);
  };

  async start(profile: string): Promise<void> {
    this.calls.push(`start ${profile}`);
    await this.onStart(profile);
  }
  async stop(profile: string): Promise<void> {
    this.calls.push(`stop ${profile}`);
  }
  async restart(profile: string): Promise<void> {
    this.calls.push(`restart ${profile}`);
  }
  setup(request: SetupRequest, onProgress: (line: SetupProgress) => void): Promise<SetupResult> {
    this.requests.push(request);
    return this.onSetup(request, onProgress);
  }
  machine<T>(profile: string, request: MachineRequest, onLine: (line: unknown) => void = () => undefined): Promise<T> {
    this.machined.push({ profile, request });
    return this.onMachine(request, onLine, profile) as Promise<T>;
  }
  async loadDraft(): Promise<unknown> {
    return this.draft;
  }
  async saveDraft(draft: unknown): Promise<void> {
    this.draft = draft;
    this.saved.push(draft);
  }
  async autostart(): Promise<boolean> {
    return this.login;
  }
  async setAutostart(enabled: boolean): Promise<void> {
    this.login = enabled;
  }
  #said = new Listeners<Announcement[]>();
  onAnnouncements(listener: (announcements: Announcement[]) => void): Unsubscribe {
    return this.#said.add(listener);
  }
  say(announcements: Announcement[]): void {
    this.#said.tell(announcements);
  }
  async dismiss(code: string): Promise<void> {
    this.calls.push(`dismiss ${code}`);
  }
  onAttach: (elsewhere: Elsewhere) => Promise<string> = async () => '0.1.0';
  attach(elsewhere: Elsewhere): Promise<string> {
    this.calls.push(`attach ${elsewhere.name}`);
    return this.onAttach(elsewhere);
  }
  language: string | null = null;

  async setLanguage(tag: string): Promise<void> {
    this.language = tag;
  }

  async quit(): Promise<void> {
    this.calls.push('quit');
  }
  update: UpdateState = { how: 'app', stage: 'settled', version: '0.1.0', previous: null, since: null, why: null, restart: false, offer: null };
  onCheck: () => Promise<UpdateState> = async () => this.update;
  async updateState(): Promise<UpdateState> {
    return this.update;
  }
  async updateCheck(): Promise<UpdateState> {
    this.update = await this.onCheck();
    return this.update;
  }
  async updateInstall(): Promise<void> {
    this.calls.push('install');
  }
  async updateBack(): Promise<UpdateState> {
    this.calls.push('back');
    this.update = { ...this.update, stage: 'back', why: 'somebody asked for it' };
    return this.update;
  }
  async appRestart(): Promise<void> {
    this.calls.push('restart app');
  }
  async info(): Promise<AppInfo> {
    return { version: '0.1.0', platform: 'linux', commit: '3f2a91c' };
  }
}

/** A machine where nothing was found. */
export const NOTHING: Detection = {
  openclaw: [], gateways: [], models: [], chrome: null, keychain: { available: true, reason: null, code: null },
  proxy: { https: null, http: null, all: null, no: null }, profiles: [], portsInUse: [], unfinished: [],
};

export function result(part: Partial<SetupResult> = {}): SetupResult {
  return { type: 'result', ok: true, findings: [], profiles: [], detection: null, ...part };
}

export function progress(part: Partial<SetupProgress> & Pick<SetupProgress, 'step' | 'state'>): SetupProgress {
  return { type: 'progress', profile: null, code: '', message: '', detail: null, ...part };
}

export function created(name: string, port: number): CreatedProfile {
  const state = name === 'main' ? '~/.bulkhead' : `~/.bulkhead-${name}`;
  return {
    name, port, stateDir: state, configPath: `${state}/bulkhead.json`, workspace: `${state}/workspace`,
    control: port + 2, cdpFirst: port + 11, cdpLast: port + 110, keychainService: `ai.bulkhead.${name}`, owner: 'desktop',
  };
}

export function card(name: string, basePort: number, part: Partial<ProfileCard> = {}): ProfileCard {
  return {
    name, state: 'running', since: Date.now() - 3 * 3_600_000, basePort, controlPort: basePort + 2,
    cdpFirst: basePort + 11, cdpLast: basePort + 110, owner: 'desktop', pid: 4242, memoryBytes: 11_400_000,
    channels: [], problem: null, version: '0.1.0', stateDir: name === 'main' ? '~/.bulkhead' : `~/.bulkhead-${name}`,
    workspace: '~/.bulkhead/workspace', bot: null, readyMs: null,
    pausedUntil: null, waiting: 0, watching: null, ended: null, remote: null, ...part,
  };
}
