/** Jobs in words. */
import { fromNow, lasting, milliseconds, moment, span } from '../i18n/format';
import { m } from '../paraglide/messages.js';
import type { MarkState } from '../parts/mark';
import { amountOf, type Job, type Run, type Schedule } from './job';

export function scheduleWords(schedule: Schedule): string {
  if (schedule.kind === 'at') return m.schedule_once({ time: moment(Date.parse(schedule.at)) });
  if (schedule.kind === 'cron') return schedule.tz ? m.schedule_cron_zone({ expr: schedule.expr, zone: schedule.tz }) : m.schedule_cron({ expr: schedule.expr });
  const { amount, unit } = amountOf(schedule.everyMs);
  return m.schedule_every({ time: Number.isInteger(amount) ? span(amount, unit) : milliseconds(schedule.everyMs) });
}

/** How a job stands: the mark and the words that say the same. */
export function standing({ enabled, state }: Job, now: number): { id: string; mark: MarkState; words: string } {
  if (state.runningAtMs !== undefined) return { id: 'running', mark: 'busy', words: m.job_running({ time: lasting(now - state.runningAtMs) }) };
  if (!enabled && state.autoDisabled) return { id: 'given-up', mark: 'bad', words: m.job_given_up({ times: state.autoDisabled.consecutiveErrors }) };
  if (!enabled) return { id: 'off', mark: 'off', words: m.job_off() };
  const ago = state.lastRunAtMs === undefined ? '' : fromNow(Math.min(now, state.lastRunAtMs), now);
  if (state.lastRunStatus === 'error') return { id: 'error', mark: 'bad', words: m.job_failed({ time: ago }) };
  if (state.lastRunStatus === 'skipped') return { id: 'skipped', mark: 'warn', words: m.job_skipped({ time: ago }) };
  if (state.lastRunStatus === 'ok' && state.lastDeliveryStatus === 'not-delivered') return { id: 'undelivered', mark: 'warn', words: m.job_undelivered({ time: ago }) };
  if (state.lastRunStatus === 'ok') return { id: 'ok', mark: 'good', words: m.job_ok({ time: ago }) };
  return { id: 'new', mark: 'off', words: m.job_never_ran() };
}

export function nextWords({ enabled, state }: Job, now: number): string {
  if (!enabled) return '';
  if (state.nextRunAtMs === undefined) return m.job_no_next();
  return state.nextRunAtMs <= now ? m.job_due() : m.job_next({ time: moment(state.nextRunAtMs), left: fromNow(state.nextRunAtMs, now) });
}

export function runWords({ status, error, deliveryStatus, deliveryError, summary }: Run): { mark: MarkState; words: string; why: string } {
  if (status === 'error') return { mark: 'bad', words: m.run_failed(), why: error ?? '' };
  if (status === 'skipped') return { mark: 'warn', words: m.run_skipped(), why: error ?? '' };
  if (deliveryStatus === 'not-delivered') return { mark: 'warn', words: m.run_undelivered(), why: deliveryError ?? summary ?? '' };
  if (status === 'ok') return { mark: 'good', words: m.run_ok(), why: summary ?? '' };
  return { mark: 'unknown', words: m.state_unknown(), why: error ?? summary ?? '' };
}
