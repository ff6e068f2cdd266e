/** Jobs as `cron.*` tells them, and what a person writes into the form. Pure. */
import { here, isZone, momentIn, wallIn } from './zone';

export type Schedule =
  | { kind: 'at'; at: string }
  | { kind: 'every'; everyMs: number; anchorMs?: number }
  | { kind: 'cron'; expr: string; tz?: string; staggerMs?: number };

export type Payload = { kind: 'systemEvent'; text: string } | { kind: 'agentTurn'; message: string } | { kind: 'heartbeat' };

export interface Job {
  id: string;
  name: string;
  displayName?: string;
  description?: string;
  agentId?: string;
  effectiveAgentId?: string | null;
  enabled: boolean;
  schedule: Schedule;
  sessionTarget: string;
  payload: Payload;
  delivery?: { mode: 'none' | 'announce' | 'webhook'; channel?: string; to?: string };
  configRevision?: string;
  state: {
    nextRunAtMs?: number;
    runningAtMs?: number;
    lastRunAtMs?: number;
    lastRunStatus?: 'ok' | 'error' | 'skipped';
    lastError?: string;
    consecutiveErrors?: number;
    autoDisabled?: { reason: string; consecutiveErrors: number };
    lastDeliveryStatus?: string;
    lastDeliveryError?: string;
  };
}

export interface Run {
  ts: number;
  jobId: string;
  runId?: string;
  runAtMs?: number;
  status?: 'ok' | 'error' | 'skipped';
  error?: string;
  summary?: string;
  durationMs?: number;
  deliveryStatus?: string;
  deliveryError?: string;
  sessionKey?: string;
  model?: string;
}

export const UNITS = { minutes: 60_000, hours: 3_600_000, days: 86_400_000 } as const;
export type Unit = keyof typeof UNITS;
export type Target = 'isolated' | 'session' | 'main';

export interface Draft {
  name: string;
  kind: Schedule['kind'];
  /** What the clock of `zone` shows. */
  wall: string;
  zone: string;
  amount: number | null;
  unit: Unit;
  expr: string;
  target: Target;
  sessionKey: string;
  agent: string;
  message: string;
  announce: boolean;
  channel: string;
  to: string;
}

export type Fault = 'name' | 'wall' | 'past' | 'zone' | 'amount' | 'expr' | 'session' | 'message' | 'to';

export function fresh(now: number): Draft {
  const zone = here();
  return {
    name: '', kind: 'cron', wall: wallIn(zone, now + UNITS.hours), zone, amount: 1, unit: 'hours', expr: '0 9 * * *',
    target: 'isolated', sessionKey: '', agent: '', message: '', announce: true, channel: 'last', to: '',
  };
}

export function draftOf(job: Job, now: number): Draft {
  const draft: Draft = {
    ...fresh(now), name: job.name, kind: job.schedule.kind, agent: job.agentId ?? '',
    announce: job.delivery?.mode === 'announce', channel: job.delivery?.channel ?? 'last', to: job.delivery?.to ?? '',
    message: job.payload.kind === 'agentTurn' ? job.payload.message : job.payload.kind === 'systemEvent' ? job.payload.text : '',
  };
  if (job.sessionTarget === 'main') draft.target = 'main';
  if (job.sessionTarget.startsWith('session:')) Object.assign(draft, { target: 'session', sessionKey: job.sessionTarget.slice(8) });
  const { schedule } = job;
  if (schedule.kind === 'at') draft.wall = wallIn(draft.zone, Date.parse(schedule.at));
  if (schedule.kind === 'every') Object.assign(draft, amountOf(schedule.everyMs));
  if (schedule.kind === 'cron') Object.assign(draft, { expr: schedule.expr, zone: schedule.tz ?? '' });
  return draft;
}

/** 5 400 000 is 90 minutes, 7 200 000 is 2 hours. */
export function amountOf(ms: number): { amount: number; unit: Unit } {
  for (const unit of ['days', 'hours'] as const) if (ms >= UNITS[unit] && ms % UNITS[unit] === 0) return { amount: ms / UNITS[unit], unit };
  return { amount: ms / UNITS.minutes, unit: 'minutes' };
}

/** What is missing or wrong, in the order of the form. The gateway checks again and says the rest. */
export function faults(draft: Draft, now: number): Fault[] {
  const found: Fault[] = [];
  if (draft.name.trim() === '') found.push('name');
  if (draft.kind === 'at') {
    if (!isZone(draft.zone)) found.push('zone');
    const at = momentIn(draft.zone, draft.wall);
    if (at === null) found.push('wall');
    else if (at <= now) found.push('past');
  } else if (draft.kind === 'every') {
    if (draft.amount === null || !(draft.amount > 0)) found.push('amount');
  } else {
    if (![5, 6].includes(draft.expr.trim().split(/\s+/).length)) found.push('expr');
    // Empty: the gateway's own zone.
    if (draft.zone !== '' && !isZone(draft.zone)) found.push('zone');
  }
  if (draft.target === 'session' && draft.sessionKey === '') found.push('session');
  if (draft.message.trim() === '') found.push('message');
  if (draft.target !== 'main' && draft.announce && draft.channel !== 'last' && draft.to.trim() === '') found.push('to');
  return found;
}

function scheduleOf(draft: Draft): Schedule {
  if (draft.kind === 'at') return { kind: 'at', at: new Date(momentIn(draft.zone, draft.wall) ?? 0).toISOString() };
  if (draft.kind === 'every') return { kind: 'every', everyMs: Math.round((draft.amount ?? 1) * UNITS[draft.unit]) };
  return { kind: 'cron', expr: draft.expr.trim().replace(/\s+/g, ' '), ...(draft.zone ? { tz: draft.zone } : {}) };
}

function work(draft: Draft) {
  const message = draft.message.trim();
  return {
    sessionTarget: draft.target === 'session' ? `session:${draft.sessionKey}` : draft.target,
    payload: draft.target === 'main' ? { kind: 'systemEvent', text: message } : { kind: 'agentTurn', message },
  };
}

/** Parameters of `cron.add`. */
export function addition(draft: Draft): Record<string, unknown> {
  const to = draft.channel === 'last' ? {} : { to: draft.to.trim() };
  return {
    name: draft.name.trim(),
    ...(draft.agent ? { agentId: draft.agent } : {}),
    schedule: scheduleOf(draft),
    wakeMode: 'now',
    ...work(draft),
    ...(draft.target === 'main' ? {} : { delivery: draft.announce ? { mode: 'announce', channel: draft.channel, ...to } : { mode: 'none' } }),
  };
}

/** The `patch` of `cron.update`: only what the form changed, so that what it does not show stays. */
export function change(job: Job, before: Draft, after: Draft): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  const differs = (...names: (keyof Draft)[]) => names.some((name) => before[name] !== after[name]);
  if (differs('name')) patch['name'] = after.name.trim();
  if (differs('agent')) patch['agentId'] = after.agent || null;
  if (differs('kind', 'wall', 'zone', 'amount', 'unit', 'expr')) {
    const schedule = scheduleOf(after);
    const stagger = schedule.kind === 'cron' && job.schedule.kind === 'cron' && job.schedule.staggerMs !== undefined ? { staggerMs: job.schedule.staggerMs } : {};
    patch['schedule'] = { ...schedule, ...stagger };
  }
  const { sessionTarget, payload } = work(after);
  if (differs('target', 'sessionKey')) patch['sessionTarget'] = sessionTarget;
  if (differs('target', 'message')) patch['payload'] = payload;
  if (after.target === 'main') {
    if (differs('target') && job.delivery) patch['delivery'] = null;
  } else if (differs('target', 'announce', 'channel', 'to')) {
    patch['delivery'] = after.announce
      ? { mode: 'announce', channel: after.channel, to: after.channel === 'last' ? null : after.to.trim() }
      : { mode: 'none' };
  }
  return patch;
}
