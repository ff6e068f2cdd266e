import { describe, expect, it } from 'vitest';
import { addition, amountOf, change, draftOf, faults, fresh, type Job } from './job';
import { isZone, momentIn, wallIn } from './zone';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const job: Job = {
  id: 'j', name: 'Brief', enabled: true, schedule: { kind: 'cron', expr: '0 9 * * *', tz: 'Europe/Berlin', staggerMs: 5_000 }, sessionTarget: 'isolated',
  payload: { kind: 'agentTurn', message: 'Tell me.' }, delivery: { mode: 'announce', channel: 'last' }, state: {},
};

describe('clocks of other places', () => {
  it('are read in summer, in winter and at their edges', () => {
    const iso = (zone: string, wall: string) => new Date(momentIn(zone, wall)!).toISOString();
    expect(iso('Europe/Berlin', '2026-11-21T09:00')).toBe('2026-11-21T08:00:00.000Z');
    expect(iso('Europe/Berlin', '2026-07-01T09:00')).toBe('2026-07-01T07:00:00.000Z');
    expect(iso('America/New_York', '2026-11-01T23:30')).toBe('2026-11-02T04:30:00.000Z');
    expect(iso('Asia/Kolkata', '2026-11-21T09:00')).toBe('2026-11-21T03:30:00.000Z');
    expect(momentIn('Europe/Berlin', '2026-03-29T02:30')).not.toBeNull();
    expect(wallIn('Asia/Kolkata', Date.parse('2026-11-21T03:30:00Z'))).toBe('2026-11-21T09:00');
    expect(momentIn('Mars/Base', '2026-11-21T09:00')).toBeNull();
    expect(momentIn('UTC', 'tomorrow')).toBeNull();
    expect([isZone('UTC'), isZone(''), isZone('Nowhere')]).toEqual([true, false, false]);
  });
});

describe('the form of a job', () => {
  it('says what is missing', () => {
    expect(faults(fresh(NOW), NOW)).toEqual(['name', 'message']);
    const whole = { ...fresh(NOW), name: 'a', message: 'b', zone: 'UTC' };
    expect(faults({ ...whole, kind: 'at', wall: '2026-11-20T11:59' }, NOW)).toEqual(['past']);
    expect(faults({ ...whole, kind: 'every', amount: null }, NOW)).toEqual(['amount']);
    expect(faults({ ...whole, expr: '* *', zone: 'Nowhere' }, NOW)).toEqual(['expr', 'zone']);
    expect(faults({ ...whole, target: 'session', channel: 'telegram' }, NOW)).toEqual(['session', 'to']);
  });

  it('becomes what the gateway takes', () => {
    const whole = { ...fresh(NOW), name: ' Tea ', message: ' Make tea. ', zone: 'Europe/Berlin' };
    expect(addition({ ...whole, kind: 'at', wall: '2026-11-21T09:00', target: 'main' })).toEqual({
      name: 'Tea', wakeMode: 'now', schedule: { kind: 'at', at: '2026-11-21T08:00:00.000Z' }, sessionTarget: 'main', payload: { kind: 'systemEvent', text: 'Make tea.' },
    });
    expect(addition({ ...whole, kind: 'every', amount: 90, unit: 'minutes', announce: false })).toMatchObject({
      schedule: { kind: 'every', everyMs: 5_400_000 }, sessionTarget: 'isolated', payload: { kind: 'agentTurn', message: 'Make tea.' }, delivery: { mode: 'none' },
    });
    expect(amountOf(7_200_000)).toEqual({ amount: 2, unit: 'hours' });
    expect(amountOf(5_400_000)).toEqual({ amount: 90, unit: 'minutes' });
  });

  it('changes only what was changed', () => {
    const before = draftOf(job, NOW);
    expect(change(job, before, { ...before })).toEqual({});
    expect(change(job, before, { ...before, name: 'News' })).toEqual({ name: 'News' });
    expect(change(job, before, { ...before, expr: '0 8 * * *' })).toEqual({ schedule: { kind: 'cron', expr: '0 8 * * *', tz: 'Europe/Berlin', staggerMs: 5_000 } });
    expect(change(job, before, { ...before, target: 'main' })).toEqual({ sessionTarget: 'main', payload: { kind: 'systemEvent', text: 'Tell me.' }, delivery: null });
  });
});
