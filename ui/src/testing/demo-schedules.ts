/** Jobs as `cron.*` answers them, for designing pages and for screenshots. */
import type { Job, Run } from '../schedules/job';
import type { Answer } from './memory-transport';

const MINUTE = 60_000;

export function scheduleAnswers(scene: string): Record<string, Answer> {
  const now = Date.now();
  const job = (id: string, part: Partial<Job>): Job => ({
    id, name: id, enabled: true, schedule: { kind: 'cron', expr: '0 9 * * *' }, sessionTarget: 'isolated', configRevision: `sha256:${id}`,
    payload: { kind: 'agentTurn', message: 'Read my calendar and tell me about the day.' }, delivery: { mode: 'announce', channel: 'last' }, state: {}, ...part,
  });
  const jobs: Job[] = scene === 'none' ? [] : [
    job('heartbeat-main', {
      displayName: 'Heartbeat (main)', schedule: { kind: 'every', everyMs: 30 * MINUTE }, payload: { kind: 'heartbeat' }, sessionTarget: 'main',
      state: { nextRunAtMs: now + 12 * MINUTE, lastRunAtMs: now - 18 * MINUTE, lastRunStatus: 'ok' },
    }),
    job('Morning brief', {
      schedule: { kind: 'cron', expr: '0 9 * * 1-5', tz: 'Europe/Berlin' },
      state: { nextRunAtMs: now + 19 * 60 * MINUTE, lastRunAtMs: now - 5 * 60 * MINUTE, lastRunStatus: 'error', lastError: 'The model provider does not answer (connection refused at 127.0.0.1:11434). Start it, then run the job again.', consecutiveErrors: 1 },
    }),
    job('Papers', { schedule: { kind: 'every', everyMs: 6 * 60 * MINUTE }, agentId: 'reader', state: { runningAtMs: now - 42_000, nextRunAtMs: now + 360 * MINUTE } }),
    job('Dentist', { schedule: { kind: 'at', at: new Date(now + 2_000 * MINUTE).toISOString() }, sessionTarget: 'main', payload: { kind: 'systemEvent', text: 'The dentist, at ten.' }, delivery: undefined as never, state: { nextRunAtMs: now + 2_000 * MINUTE } }),
    job('Disk report', { enabled: false, state: { autoDisabled: { reason: 'consecutive-failures', consecutiveErrors: 10 }, lastRunStatus: 'error', lastError: 'exec: df was denied by the policy of this agent.', lastRunAtMs: now - 4_000 * MINUTE } }),
  ];
  const run = (ago: number, part: Partial<Run>): Run => ({ ts: now - ago * MINUTE, runAtMs: now - ago * MINUTE, runId: `r${ago}`, jobId: 'Morning brief', status: 'ok', durationMs: 8_400, deliveryStatus: 'delivered', sessionKey: 'agent:main:cron:brief', ...part });
  const runs: Run[] = [
    run(300, { status: 'error', error: 'The model provider does not answer (connection refused at 127.0.0.1:11434). Start it, then run the job again.', durationMs: 21_000 }),
    run(1_740, { summary: 'Two meetings today, the first at ten. It will rain from three.' }),
    run(3_180, { summary: 'Nothing until noon.', deliveryStatus: 'not-delivered', deliveryError: 'Telegram: chat not found' }),
  ];
  const find = (id: unknown) => jobs.find((one) => one.id === id)!;
  return {
    'cron.list': () => ({ jobs: jobs.map((one) => structuredClone(one)), total: jobs.length, hasMore: false }),
    'cron.status': () => ({ enabled: true, jobs: jobs.length }),
    'cron.runs': ({ id }) => ({ entries: runs.filter(({ jobId }) => jobId === id), hasMore: false }),
    'cron.update': ({ id, patch }) => Object.assign(find(id), patch),
    'cron.run': ({ id }) => {
      find(id).state.runningAtMs = Date.now();
      return { ok: true, enqueued: true, runId: 'r' };
    },
    'cron.remove': ({ id }) => {
      jobs.splice(jobs.indexOf(find(id)), 1);
      return { ok: true, removed: true };
    },
    'cron.add': (params) => {
      const added = job(String(params['name']), params as Partial<Job>);
      jobs.push(added);
      return added;
    },
  };
}
