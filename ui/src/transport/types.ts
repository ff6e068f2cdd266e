/**
 * The one seam between the pages and the world. Two implementations: `tauri.ts` (the app's
 * commands; no token ever reaches JavaScript) and `websocket.ts` (a browser and one gateway).
 */
import { errorWords } from '../i18n/errors';
import type {
  Announcement,
  AppInfo,
  Elsewhere,
  EventFrame,
  LogPage,
  MachineRequest,
  ProfileCard,
  SetupProgress,
  SetupRequest,
  SetupResult,
  UpdateState,
} from '../bindings/commands';

export type Unsubscribe = () => void;

/** How a gateway can be reached right now. */
export interface Connection {
  phase: 'connecting' | 'open' | 'waiting' | 'refused' | 'closed';
  /**
   * Goes up whenever events may have been missed: after every (re)connection and after a gap in the
   * sequence. Whoever shows something that lives by events loads it again when this changes.
   */
  epoch: number;
  code: string | null;
  message: string | null;
}

/** A request that did not end well. Pages branch on `code`, never on the text. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  constructor(
    readonly code: string,
    message: string,
    readonly retryable = false,
    readonly details: unknown = null,
  ) {
    super(message);
    // In the language that the page has when it is looked at.
    Object.defineProperty(this, 'message', { get: () => errorWords(code, message), configurable: true });
    this.said = message;
  }
  /** The sender's own words. */
  readonly said: string;
}

/** What only the app can do. */
export interface Desktop {
  start(profile: string): Promise<void>;
  stop(profile: string): Promise<void>;
  restart(profile: string): Promise<void>;
  setup(request: SetupRequest, onProgress: (line: SetupProgress) => void): Promise<SetupResult>;
  /** The command line about one profile of this computer: doctor, earlier configurations, secrets, diagnostics. */
  machine<T>(profile: string, request: MachineRequest, onLine?: (line: unknown) => void): Promise<T>;
  loadDraft(): Promise<unknown>;
  saveDraft(draft: unknown): Promise<void>;
  autostart(): Promise<boolean>;
  setAutostart(enabled: boolean): Promise<void>;
  info(): Promise<AppInfo>;
  /** What the app itself has to say, now and whenever that changes. */
  onAnnouncements(listener: (announcements: Announcement[]) => void): Unsubscribe;
  dismiss(code: string): Promise<void>;
  quit(): Promise<void>;
  /** The tray and notifications follow the page's language. */
  setLanguage(tag: string): Promise<void>;
  /** Attaches a gateway elsewhere; answers with its version. */
  attach(elsewhere: Elsewhere): Promise<string>;
  updateState(): Promise<UpdateState>;
  /** Asks whether there is a newer version. */
  updateCheck(): Promise<UpdateState>;
  /** Ends the app when it works. */
  updateInstall(): Promise<void>;
  updateBack(): Promise<UpdateState>;
  appRestart(): Promise<void>;
}

export interface Transport {
  readonly home: 'app' | 'browser';
  readonly desktop: Desktop | null;
  profiles(): Promise<ProfileCard[]>;
  onProfiles(listener: (cards: ProfileCard[]) => void): Unsubscribe;
  request<T = unknown>(profile: string, method: string, params?: unknown): Promise<T>;
  subscribe(profile: string, listener: (frame: EventFrame) => void): Unsubscribe;
  /** Calls back at once with the present state, then on every change. */
  connectionState(profile: string, listener: (connection: Connection) => void): Unsubscribe;
  logs(profile: string, cursor: number | null, limit: number): Promise<LogPage>;
  openExternal(url: string): Promise<void>;
}

/** Turns whatever was thrown into something that can be shown. */
export function asRequestError(thrown: unknown): RequestError {
  if (thrown instanceof RequestError) return thrown;
  if (typeof thrown === 'object' && thrown !== null) {
    const { code, message, retryable, details } = thrown as Record<string, unknown>;
    if (typeof message === 'string') {
      return new RequestError(typeof code === 'string' ? code : 'UNKNOWN', message, retryable === true, details ?? null);
    }
  }
  return new RequestError('UNKNOWN', typeof thrown === 'string' ? thrown : 'Something went wrong without a reason.');
}
