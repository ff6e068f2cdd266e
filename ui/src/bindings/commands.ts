/**
 * The app's commands as the web app uses them. `tauri.ts` is generated from Rust; here its commands get the types of the
 * set-up, which is the command line's machine interface and passes through the app unread. Nothing but
 * `src/transport/tauri.ts` imports `commands`.
 */
import type { Channel } from '@tauri-apps/api/core';
import { commands as app, type AppInfo as RustAppInfo, type MachineRequest, type ProfileCard as RustCard, type GatewayNotice as RustNotice, type UpdateState as RustUpdate } from './tauri';

export type { MachineRequest };
export type GatewayState = 'running' | 'starting' | 'stopping' | 'stopped' | 'degraded' | 'failed' | 'unknown';
export type ChannelState = 'connected' | 'connecting' | 'disconnected' | 'disabled' | 'failed';
export type Owner = 'desktop' | 'service' | 'external';
export type Severity = 'error' | 'warning' | 'info';

export interface ChannelCard {
  id: string;
  label: string;
  state: ChannelState;
  detail: string | null;
  account: string | null;
}

/** What a problem's button does: a verb that the app knows. */
export type ProblemAction = 'start' | 'restart' | 'logs' | 'channels' | 'credentials';

export interface Problem {
  code: string;
  message: string;
  action: ProblemAction | null;
}

export interface ProfileCard {
  name: string;
  state: GatewayState;
  /** Milliseconds since 1970; when this state began. */
  since: number | null;
  basePort: number;
  controlPort: number;
  cdpFirst: number;
  cdpLast: number;
  owner: Owner;
  pid: number | null;
  memoryBytes: number | null;
  channels: ChannelCard[];
  problem: Problem | null;
  version: string | null;
  stateDir: string;
  workspace: string;
  bot: { username: string } | null;
  /** How long the last start took, from spawn to the ready line. */
  readyMs: number | null;
  /** Until when it is paused. */
  pausedUntil: number | null;
  /** Approvals and questions that wait there for a person. */
  waiting: number;
  /** The profile that its gateway watches. */
  watching: string | null;
  /** How it ended last without being asked to. */
  ended: { at: number; message: string } | null;
  /** Address of a gateway elsewhere that the app only attaches to. */
  remote: string | null;
}

/** A gateway elsewhere, as somebody names it. */
export interface Elsewhere {
  name: string;
  url: string;
  secret: string;
  isPassword: boolean;
  /** SHA-256 of the only certificate that is taken. */
  fingerprint: string | null;
  /** Keep the secret in a file that is not encrypted, because there is no keychain. */
  inFile: boolean;
}

/** Something that the app itself has to say. */
export interface Announcement {
  code: string;
  title: string;
  message: string;
  tone: 'info' | 'warn';
  /** It holds until it is over by itself; else until somebody puts it away. */
  holds: boolean;
  /** The page that helps. */
  page: string | null;
}

export interface Finding {
  code: string;
  severity: Severity;
  profiles: string[];
  what: string;
  found: string;
  expected: string;
  nextStep: string;
}

export type ModelApi = 'openai' | 'anthropic' | 'ollama';
export type CheckName = 'model' | 'telegram' | 'ports' | 'keychain' | 'isolation';
export type StepName = CheckName | 'config' | 'secrets' | 'workspace' | 'register' | 'import' | 'service';
export type StepState = 'running' | 'ok' | 'warning' | 'failed' | 'skipped';

export interface PlanModel {
  provider: string;
  api: ModelApi;
  baseUrl: string;
  modelId: string;
  apiKey: string | null;
  /** The key stays where it is: the name of the environment variable that holds it. */
  apiKeyEnv?: string | null;
}

export interface PlanProfile {
  name: string;
  port: number | null;
  bind: 'loopback';
  workspace: string | null;
  gatewayToken: string | null;
  owner: Owner;
  proxy: string | null;
  telegram: { botToken: string; apiRoot: string | null } | null;
}

export interface Plan {
  secrets: 'keychain' | 'file' | 'env';
  model: PlanModel | null;
  profiles: PlanProfile[];
  /** What the first profile takes over from another program. */
  import?: PlanImport;
  /** The gateway that the one profile watches, where it is none of ours. */
  main?: PlanMain;
}

export interface PlanImport {
  kind: 'openclaw';
  /** Its state directory. */
  from: string;
}

export interface PlanMain {
  kind: 'openclaw';
  /** Its state directory. */
  from: string;
}

/** What became, or would become, of one part of what is imported. */
export interface ImportLine {
  area: 'config' | 'secrets' | 'ports' | 'channels' | 'people' | 'workspace' | 'sessions' | 'cron' | 'devices';
  item: string;
  result: 'taken' | 'changed' | 'skipped';
  detail: string;
  nextStep?: string;
}

export interface SetupRequest {
  action: 'detect' | 'check' | 'create';
  plan: Plan | null;
  checks: CheckName[];
}

export interface SetupProgress {
  type: 'progress';
  step: StepName;
  profile: string | null;
  state: StepState;
  code: string;
  message: string;
  detail?: Record<string, unknown> | null;
}

export interface DetectedModel {
  kind: 'env' | 'ollama' | 'lmstudio' | 'llamacpp';
  provider: string;
  api: ModelApi;
  baseUrl: string;
  envVar?: string | null;
  models: string[];
}

export interface Detection {
  openclaw: { profile: string | null; stateDir: string; port: number; version: string | null; bots: number; running: boolean }[];
  gateways: { profile: string; port: number; running: boolean; kind: 'bulkhead' | 'openclaw' }[];
  models: DetectedModel[];
  chrome: { path: string } | null;
  keychain: { available: boolean; reason: string | null; code: string | null };
  /** Whether a service could run a gateway here. */
  services?: { available: boolean; reason: string | null; linger: boolean | null };
  proxy: { https: string | null; http: string | null; all: string | null; no: string | null };
  profiles: CreatedProfile[];
  portsInUse: { port: number; program: string | null; pid: number | null; profile: string | null }[];
  /** Profiles whose creation was begun and not finished. */
  unfinished: string[];
}

export interface CreatedProfile {
  name: string;
  port: number | null;
  stateDir: string;
  configPath: string;
  workspace: string;
  control: number | null;
  cdpFirst: number | null;
  cdpLast: number | null;
  keychainService: string;
  owner: Owner;
}

export interface SetupResult {
  type: 'result';
  ok: boolean;
  findings: Finding[];
  profiles: CreatedProfile[];
  detection: Detection | null;
  /** With an import: a line for every part. */
  report?: ImportLine[];
}

export interface LogPage {
  file: string;
  cursor: number;
  size: number;
  lines: string[];
  /** Where the first of them begins, where what is before it can be asked for: in the app. */
  start?: number;
  truncated?: boolean;
  reset?: boolean;
}

export interface AppInfo {
  version: string;
  platform: string;
  commit: string | null;
}

/** How this app is updated, and which program its gateways run. */
export interface UpdateState {
  how: 'package' | 'app' | 'nobody';
  stage: string;
  version: string | null;
  previous: string | null;
  since: number | null;
  why: string | null;
  restart: boolean;
  offer: { version: string; notes: string | null } | null;
}

export interface EventFrame {
  event: string;
  payload: unknown;
  seq?: number | null;
}

export interface ConnectionReport {
  phase: 'connecting' | 'open' | 'waiting' | 'refused' | 'closed';
  code: string | null;
  message: string | null;
}

/** What the app tells the window, all over one channel. An `open` while it is open means that events were missed. */
export type GatewayNotice =
  | { type: 'event'; profile: string; frame: EventFrame }
  | { type: 'connection'; profile: string; connection: ConnectionReport }
  | { type: 'profiles'; profiles: ProfileCard[] }
  | { type: 'announcements'; announcements: Announcement[] };

/** What a refused command throws. */
export interface Failure {
  code: string;
  message: string;
  details: unknown;
  retryable: boolean;
}

/** What Rust sends must fit what the pages read: the next lines fail to compile when it no longer does. */
type Fits<Sent extends Read, Read> = Sent;
export type RustFits = [
  Fits<Omit<RustCard, 'owner'> & { owner: Owner }, ProfileCard>,
  Fits<RustAppInfo, AppInfo>,
  Fits<RustUpdate, UpdateState>,
  Fits<RustNotice['type'], GatewayNotice['type']>,
];

/** A value that crosses as JSON. */
const json = <T>(value: unknown) => value as T;

export const commands = {
  profilesList: () => app.profilesList() as Promise<ProfileCard[]>,
  profileStart: app.profileStart,
  profileStop: app.profileStop,
  profileRestart: app.profileRestart,
  gatewayRequest: (profile: string, method: string, params: unknown) => app.gatewayRequest(profile, method, json(params)) as Promise<unknown>,
  gatewaySubscribe: (channel: Channel<GatewayNotice>) => app.gatewaySubscribe(json(channel)),
  setupRun: (request: SetupRequest, onProgress: Channel<SetupProgress>) => app.setupRun(json(request), json(onProgress)).then(json<SetupResult>),
  machineRun: (profile: string, request: MachineRequest, onProgress: Channel<unknown>) => app.machineRun(profile, request, json(onProgress)) as Promise<unknown>,
  draftLoad: () => app.draftLoad() as Promise<unknown>,
  draftSave: (draft: unknown) => app.draftSave(json(draft)),
  autostartGet: app.autostartGet,
  autostartSet: app.autostartSet,
  languageSet: app.languageSet,
  logsTail: (profile: string, cursor: number | null, limit: number) => app.logsTail(profile, cursor, limit).then(json<LogPage>),
  appInfo: app.appInfo,
  appQuit: app.appQuit,
  announcementDismiss: app.announcementDismiss,
  gatewayAttach: app.gatewayAttach,
  openExternal: app.openExternal,
  appRestart: app.appRestart,
  updateBack: app.updateBack,
  updateCheck: app.updateCheck,
  updateInstall: app.updateInstall,
  updateState: app.updateState,
};
