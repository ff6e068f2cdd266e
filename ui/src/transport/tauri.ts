/** The app's side of the seam: everything goes through Tauri commands and one channel. */
import { Channel } from '@tauri-apps/api/core';
import {
  commands,
  type Announcement,
  type EventFrame,
  type GatewayNotice,
  type MachineRequest,
  type ProfileCard,
  type SetupProgress,
} from '../bindings/commands';
import { Listeners } from './listeners';
import { Sequence } from './sequence';
import { asRequestError, type Connection, type Desktop, type Transport, type Unsubscribe } from './types';

interface Line {
  connection: Connection;
  sequence: Sequence;
  events: Listeners<EventFrame>;
  changes: Listeners<Connection>;
}

async function named<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    throw asRequestError(thrown);
  }
}

export class TauriTransport implements Transport {
  readonly home = 'app';
  readonly #lines = new Map<string, Line>();
  readonly #cards = new Listeners<ProfileCard[]>();
  readonly #said = new Listeners<Announcement[]>();

  /** Opens the channel. The window paints before it answers. */
  async open(): Promise<void> {
    const channel = new Channel<GatewayNotice>();
    channel.onmessage = (notice) => this.receive(notice);
    await named(commands.gatewaySubscribe(channel));
  }

  /** What a gateway said, or what became of the app's connection to it. */
  receive(notice: GatewayNotice): void {
    if (notice.type === 'profiles') {
      this.#cards.tell(notice.profiles);
      return;
    }
    if (notice.type === 'announcements') {
      this.#said.tell(notice.announcements);
      return;
    }
    const line = this.#line(notice.profile);
    if (notice.type === 'connection') {
      const { phase, code, message } = notice.connection;
      const opened = phase === 'open';
      // The app may have been connected long before this window listened: numbers begin anywhere.
      if (opened) line.sequence.reset('middle');
      this.#change(line, { phase, code, message, epoch: line.connection.epoch + (opened ? 1 : 0) });
      return;
    }
    const verdict = line.sequence.take(notice.frame.seq);
    if (verdict === 'stale') return;
    line.events.tell(notice.frame);
    if (verdict === 'gap') this.#change(line, { ...line.connection, epoch: line.connection.epoch + 1 });
  }

  profiles(): Promise<ProfileCard[]> {
    return named(commands.profilesList());
  }

  onProfiles(listener: (cards: ProfileCard[]) => void): Unsubscribe {
    return this.#cards.add(listener);
  }

  request<T>(profile: string, method: string, params: unknown = {}): Promise<T> {
    return named(commands.gatewayRequest(profile, method, params)) as Promise<T>;
  }

  subscribe(profile: string, listener: (frame: EventFrame) => void): Unsubscribe {
    return this.#line(profile).events.add(listener);
  }

  connectionState(profile: string, listener: (connection: Connection) => void): Unsubscribe {
    const line = this.#line(profile);
    listener(line.connection);
    return line.changes.add(listener);
  }

  logs(profile: string, cursor: number | null, limit: number) {
    return named(commands.logsTail(profile, cursor, limit));
  }

  async openExternal(url: string): Promise<void> {
    await named(commands.openExternal(url));
  }

  readonly desktop: Desktop = {
    start: async (profile) => void (await named(commands.profileStart(profile))),
    stop: async (profile) => void (await named(commands.profileStop(profile))),
    restart: async (profile) => void (await named(commands.profileRestart(profile))),
    setup: (request, onProgress) => {
      const channel = new Channel<SetupProgress>();
      channel.onmessage = onProgress;
      return named(commands.setupRun(request, channel));
    },
    machine: <T>(profile: string, request: MachineRequest, onLine: (line: unknown) => void = () => undefined) => {
      const channel = new Channel<unknown>();
      channel.onmessage = onLine;
      return named(commands.machineRun(profile, request, channel)) as Promise<T>;
    },
    loadDraft: () => named(commands.draftLoad()),
    saveDraft: async (draft) => void (await named(commands.draftSave(draft))),
    autostart: () => named(commands.autostartGet()),
    setAutostart: async (enabled) => void (await named(commands.autostartSet(enabled))),
    info: () => named(commands.appInfo()),
    onAnnouncements: (listener) => this.#said.add(listener),
    dismiss: async (code) => void (await named(commands.announcementDismiss(code))),
    attach: (elsewhere) => named(commands.gatewayAttach(elsewhere)),
    quit: async () => void (await named(commands.appQuit())),
    setLanguage: async (tag) => void (await named(commands.languageSet(tag))),
    updateState: () => named(commands.updateState()),
    updateCheck: () => named(commands.updateCheck()),
    updateInstall: async () => void (await named(commands.updateInstall())),
    updateBack: () => named(commands.updateBack()),
    appRestart: async () => void (await named(commands.appRestart())),
  };

  #line(profile: string): Line {
    let line = this.#lines.get(profile);
    if (!line) {
      line = {
        connection: { phase: 'connecting', epoch: 0, code: null, message: null },
        sequence: new Sequence(),
        events: new Listeners(),
        changes: new Listeners(),
      };
      this.#lines.set(profile, line);
    }
    return line;
  }

  #change(line: Line, connection: Connection): void {
    line.connection = connection;
    line.changes.tell(connection);
  }
}
