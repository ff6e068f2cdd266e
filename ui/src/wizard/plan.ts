/**
 * What the wizard has been told, and the plan that follows from it. The draft that survives a quit is
 * this without its secrets; secrets are asked again.
 */
import type { Detection, ModelApi, Plan, PlanModel, PlanProfile } from '../bindings/commands';
import { judge, nextFree, refused, type Interval, type TakenPort } from '../ports/spacing';

export const PREFERRED = { main: 18_789, rescue: 19_789 } as const;

/** A step of the stepper has one or two pages: never more than one decision on a page. */
export const PAGES = ['welcome', 'model', 'main', 'main-bot', 'rescue', 'rescue-bot', 'credentials', 'review', 'running'] as const;
export type WizardPage = (typeof PAGES)[number];

export const STEPS = ['welcome', 'model', 'main', 'rescue', 'credentials', 'review', 'running'] as const;
export type Step = (typeof STEPS)[number];

export function stepOf(page: WizardPage): Step {
  if (page === 'main-bot') return 'main';
  return page === 'rescue-bot' ? 'rescue' : page;
}

export interface Bot {
  /** `null`: not decided yet. */
  use: boolean | null;
  token: string;
  apiRoot: string;
}

export interface Answers {
  model: {
    choice: 'none' | 'detected' | 'key' | 'custom' | 'skip';
    provider: string;
    api: ModelApi;
    baseUrl: string;
    modelId: string;
    apiKey: string;
    envVar: string | null;
  };
  proxy: { use: boolean; url: string };
  /** `from`: the state directory of the OpenClaw that is kept or imported. */
  main: { origin: 'new' | 'attach' | 'import'; from: string | null; name: string; port: number; workspace: string; bot: Bot; service: boolean };
  /** `service`: kept running by the system, also while the app is closed; `null`: not decided yet. */
  rescue: { use: boolean; name: string; port: number; bot: Bot; service: boolean | null };
  secrets: 'keychain' | 'file' | 'env';
  autostart: boolean;
}

export function fresh(): Answers {
  return {
    model: { choice: 'none', provider: '', api: 'openai', baseUrl: '', modelId: '', apiKey: '', envVar: null },
    proxy: { use: false, url: '' },
    main: {
      origin: 'new', from: null, name: 'main', port: PREFERRED.main, workspace: '',
      bot: { use: null, token: '', apiRoot: '' }, service: false,
    },
    rescue: { use: true, name: 'rescue', port: PREFERRED.rescue, bot: { use: null, token: '', apiRoot: '' }, service: null },
    secrets: 'keychain',
    autostart: true,
  };
}

export interface Draft {
  version: 1;
  page: WizardPage;
  answers: Answers;
}

/** The draft as it may be written to disk: no key, no token, and no user:password in the proxy's address. */
export function draftOf(page: WizardPage, answers: Answers): Draft {
  const copy = structuredClone(answers);
  copy.model.apiKey = '';
  copy.main.bot.token = '';
  copy.rescue.bot.token = '';
  copy.proxy.url = withoutCredentials(copy.proxy.url);
  copy.model.baseUrl = withoutCredentials(copy.model.baseUrl);
  copy.main.bot.apiRoot = withoutCredentials(copy.main.bot.apiRoot);
  copy.rescue.bot.apiRoot = withoutCredentials(copy.rescue.bot.apiRoot);
  return { version: 1, page: page === 'running' ? 'review' : page, answers: copy };
}

function withoutCredentials(address: string): string {
  try {
    const url = new URL(address);
    // "user:pass@proxy" parses too, with the user as its scheme and no host.
    if (url.host === '') return address.includes('@') ? '' : address;
    if (url.username === '' && url.password === '') return address;
    url.username = '';
    url.password = '';
    return url.href;
  } catch {
    return address.includes('@') ? '' : address;
  }
}

/** Reads a draft back; whatever does not fit the shape (an older version, a damaged file) gives way to the fresh value. */
export function readDraft(raw: unknown): Draft | null {
  const draft = raw as Partial<Draft> | null;
  if (!draft || draft.version !== 1 || typeof draft.answers !== 'object' || !draft.answers) return null;
  const page = PAGES.find((one) => one === draft.page) ?? 'welcome';
  const answers = merged(fresh() as unknown as Loose, draft.answers as unknown as Loose) as unknown as Answers;
  return { version: 1, page, answers };
}

type Loose = Record<string, unknown>;

function merged(base: Loose, given: Loose): Loose {
  return Object.fromEntries(
    Object.entries(base).map(([key, value]) => {
      const other = given[key];
      if (other === undefined) return [key, value];
      if (typeof value === 'object' && value !== null) {
        return [key, typeof other === 'object' && other !== null ? merged(value as Loose, other as Loose) : value];
      }
      return [key, value === null || other === null || typeof other === typeof value ? other : value];
    }),
  );
}

/** Where to go on after a quit: not past a page whose secret has to be asked again. */
export function resumePage({ page, answers }: Draft): WizardPage {
  const needs: WizardPage[] = [];
  if (needsKey(answers)) needs.push('model');
  if (answers.main.origin === 'new' && answers.main.bot.use) needs.push('main-bot');
  if (answers.rescue.use && answers.rescue.bot.use) needs.push('rescue-bot');
  const least = Math.min(PAGES.indexOf(page), ...needs.map((one) => PAGES.indexOf(one)));
  return PAGES[Math.max(0, least)]!;
}

/** Whether there is enough to ask this model for an answer. */
export function modelComplete(model: Answers['model']): boolean {
  return model.baseUrl.trim() !== '' && model.modelId.trim() !== '' && (model.choice !== 'key' || model.apiKey.trim() !== '');
}

export function needsKey({ model }: Answers): boolean {
  return model.choice === 'key' || (model.choice === 'custom' && model.api !== 'ollama' && !isLoopback(model.baseUrl));
}

export function isLoopback(address: string): boolean {
  try {
    const { hostname } = new URL(address);
    return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
  } catch {
    return false;
  }
}

export interface Provider {
  id: string;
  name: string;
  api: ModelApi;
  baseUrl: string;
  model: string;
  keyHint: string;
}

/** Providers one can name instead of typing an address. The model is a suggestion, to be changed freely. */
export const PROVIDERS: readonly Provider[] = [
  { id: 'anthropic', name: 'Anthropic', api: 'anthropic', baseUrl: 'https://api.anthropic.com', model: 'claude-sonnet-4-5', keyHint: 'sk-ant-…' },
  { id: 'openai', name: 'OpenAI', api: 'openai', baseUrl: 'https://api.openai.com/v1', model: 'gpt-5', keyHint: 'sk-…' },
  { id: 'openrouter', name: 'OpenRouter', api: 'openai', baseUrl: 'https://openrouter.ai/api/v1', model: 'openrouter/auto', keyHint: 'sk-or-…' },
];

export function planModel({ model }: Answers): PlanModel | null {
  if (model.choice === 'none' || model.choice === 'skip') return null;
  return {
    provider: model.provider || 'custom',
    api: model.api,
    baseUrl: model.baseUrl.trim(),
    modelId: model.modelId.trim(),
    apiKey: model.apiKey.trim() || null,
    ...(model.envVar ? { apiKeyEnv: model.envVar } : {}),
  };
}

function telegram(bot: Bot): PlanProfile['telegram'] {
  const botToken = bot.token.trim();
  return bot.use && botToken ? { botToken, apiRoot: bot.apiRoot.trim() || null } : null;
}

export function planProfiles(answers: Answers): PlanProfile[] {
  const proxy = answers.proxy.use ? answers.proxy.url.trim() || null : null;
  const shared = { bind: 'loopback' as const, gatewayToken: null, proxy };
  const { main, rescue } = answers;
  const profiles: PlanProfile[] = [];
  // An OpenClaw that stays main needs no profile of ours, only the one that watches it.
  if (main.origin !== 'attach') {
    const made = main.origin === 'new';
    profiles.push({
      ...shared,
      name: main.name,
      port: main.port,
      workspace: made ? main.workspace.trim() || null : null,
      owner: main.service ? 'service' : 'desktop',
      telegram: made ? telegram(main.bot) : null,
    });
  }
  if (rescue.use) {
    const owner = rescue.service ? 'service' : 'desktop';
    profiles.push({ ...shared, name: rescue.name, port: rescue.port, workspace: null, owner, telegram: telegram(rescue.bot) });
  }
  return profiles;
}

export function plan(answers: Answers): Plan {
  const { origin, from } = answers.main;
  return {
    secrets: answers.secrets,
    model: planModel(answers),
    profiles: planProfiles(answers),
    ...(origin === 'import' && from ? { import: { kind: 'openclaw' as const, from } } : {}),
    ...(origin === 'attach' && from ? { main: { kind: 'openclaw' as const, from } } : {}),
  };
}

/** Names of profiles that are there and finished: another one needs another name. */
export function takenNames(detection: Detection | null): string[] {
  return (detection?.profiles ?? []).map(({ name }) => name).filter((name) => !detection?.unfinished.includes(name));
}

/** Whether a profile could be called so. */
export function nameFits(name: string, detection: Detection | null): boolean {
  return /^[a-z][a-z0-9-]{0,31}$/.test(name) && !takenNames(detection).includes(name);
}

/** What a further profile is called until somebody says otherwise. */
export function freeName(preferred: string, detection: Detection | null): string {
  const taken = takenNames(detection);
  if (!taken.includes(preferred)) return preferred;
  for (let number = 2; ; number += 1) if (!taken.includes(`${preferred}-${number}`)) return `${preferred}-${number}`;
}

/** The number before the colon of a bot token: which bot it is. Never the secret part. */
export function botId(token: string): string | null {
  return /^(\d{5,20}):[\w-]{20,}$/.exec(token.trim())?.[1] ?? null;
}

/** What is on this machine and must be kept clear of. */
export function claims(detection: Detection | null, answers: Answers, except: 'main' | 'rescue'): Interval[] {
  const found: Interval[] = [];
  for (const { profile, port } of detection?.openclaw ?? []) {
    found.push({ name: profile ? `OpenClaw ${profile}` : 'OpenClaw', base: port, kind: 'kept' });
  }
  for (const { name, port } of detection?.profiles ?? []) {
    if (port !== null && name !== answers.main.name && name !== answers.rescue.name) found.push({ name, base: port, kind: 'kept' });
  }
  const mainBase = answers.main.origin === 'attach' ? null : answers.main.port;
  if (except !== 'main' && mainBase !== null) found.push({ name: answers.main.name, base: mainBase, kind: 'ours' });
  if (except !== 'rescue' && answers.rescue.use) found.push({ name: answers.rescue.name, base: answers.rescue.port, kind: 'ours' });
  return found;
}

export function takenPorts(detection: Detection | null): TakenPort[] {
  const known = new Set((detection?.openclaw ?? []).map(({ port }) => port));
  return (detection?.portsInUse ?? []).filter(({ port, profile }) => !known.has(port) && profile === null);
}

/** Moves the suggested bases out of the way of what was found; what the person typed stays. */
export function suggestPorts(answers: Answers, detection: Detection): { main: number; rescue: number } {
  const taken = takenPorts(detection);
  const keep = (base: number, others: Interval[], preferred: number) =>
    judge(base, others, taken).fit === 'free' ? base : (nextFree(preferred, others, taken) ?? base);
  const withoutRescue = claims(detection, { ...answers, rescue: { ...answers.rescue, use: false } }, 'main');
  const main = keep(answers.main.port, withoutRescue, PREFERRED.main);
  const rescue = keep(answers.rescue.port, claims(detection, { ...answers, main: { ...answers.main, port: main } }, 'rescue'), PREFERRED.rescue);
  return { main, rescue };
}

export function portsFit(answers: Answers, detection: Detection | null): boolean {
  const taken = takenPorts(detection);
  const mainFits = answers.main.origin === 'attach' || !refused(judge(answers.main.port, claims(detection, answers, 'main'), taken));
  const rescueFits = !answers.rescue.use || !refused(judge(answers.rescue.port, claims(detection, answers, 'rescue'), taken));
  return mainFits && rescueFits;
}
