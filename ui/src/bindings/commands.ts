/**
 * The app's commands, as TypeScript sees them. One thin file in the shape that the generator in
 * `src-tauri` writes; nothing but `src/transport/tauri.ts` imports `commands`.
 */
import { invoke, type Channel } from '@tauri-apps/api/core';

export type GatewayState = 'running' | 'starting' | 'stopped' | 'degraded' | 'failed' | 'unknown';
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
export type StepName = CheckName | 'config' | 'secrets' | 'workspace' | 'register';
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
}

export interface LogPage {
  file: string;
  cursor: number;
  size: number;
  lines: string[];
  truncated?: boolean;
  reset?: boolean;
}

export interface AppInfo {
  version: string;
  platform: string;
  commit: string | null;
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
  | { type: 'profiles'; profiles: ProfileCard[] };

/** What a refused command throws. */
export interface Failure {
  code: string;
  message: string;
  details: unknown;
  retryable: boolean;
}

export const commands = {
  profilesList: () => invoke<ProfileCard[]>('profiles_list'),
  profileStart: (profile: string) => invoke<null>('profile_start', { profile }),
  profileStop: (profile: string) => invoke<null>('profile_stop', { profile }),
  profileRestart: (profile: string) => invoke<null>('profile_restart', { profile }),
  gatewayRequest: (profile: string, method: string, params: unknown) =>
    invoke<unknown>('gateway_request', { profile, method, params }),
  gatewaySubscribe: (channel: Channel<GatewayNotice>) => invoke<null>('gateway_subscribe', { channel }),
  setupRun: (request: SetupRequest, onProgress: Channel<SetupProgress>) =>
    invoke<SetupResult>('setup_run', { request, onProgress }),
  draftLoad: () => invoke<unknown>('draft_load'),
  draftSave: (draft: unknown) => invoke<null>('draft_save', { draft }),
  autostartGet: () => invoke<boolean>('autostart_get'),
  autostartSet: (enabled: boolean) => invoke<null>('autostart_set', { enabled }),
  logsTail: (profile: string, cursor: number | null, limit: number) =>
    invoke<LogPage>('logs_tail', { profile, cursor, limit }),
  appInfo: () => invoke<AppInfo>('app_info'),
  openExternal: (url: string) => invoke<null>('open_external', { url }),
};
