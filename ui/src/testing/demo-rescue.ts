/** A rescue gateway that watched main for some hours, for designing pages and for screenshots. */
import type { Incident, RescueStatus, SavedTimeline, Shade } from '../rescue/shapes';
import type { Answer } from './memory-transport';

const MINUTE = 60_000;

function timeline(now: number): SavedTimeline {
  const minute = Math.floor(now / MINUTE);
  const stretch = (ago: number, minutes: number, shade: Shade) => ({ fromMs: (minute - ago) * MINUTE, minutes, shade });
  const stretches = [
    stretch(330, 120, 'good'), stretch(210, 3, 'down'), stretch(207, 80, 'good'), stretch(127, 12, 'planned'),
    stretch(115, 60, 'good'), stretch(55, 9, 'degraded'), stretch(46, 46, 'good'),
  ];
  const mark = (ago: number, kind: string, text: string) => ({ atMs: now - ago * MINUTE, kind, text });
  return {
    stretches,
    marks: [
      mark(210, 'incident', 'main has ended (signal 9)'), mark(208, 'remedy', 'Restart, by 5512 on Telegram'), mark(207, 'over', 'main is well again'),
      mark(127, 'version', 'main was updated to 0.1.1'), mark(55, 'incident', 'The model provider of main does not answer'), mark(46, 'over', 'main is well again'),
    ],
  };
}

function incident(now: number, part: Partial<Incident>): Incident {
  return {
    id: 'i1', watched: 'main', cause: { code: 'killed' }, severity: 'down', evidence: ['Its process 4242 is gone: signal 9 ended it.', 'Nothing answers on port 18789.'],
    beganMs: now - 210 * MINUTE, noticedMs: now - 210 * MINUTE + 1_200, toldMs: now - 210 * MINUTE + 1_900, phase: { phase: 'over', atMs: now - 207 * MINUTE },
    logLines: ['INFO ready in 38 ms', 'INFO telegram connected as @ada_main_bot'], configChange: [], drill: false,
    remedies: [{ request: 'r1', remedy: 'restart', by: 'telegram:5512', askedMs: now - 208 * MINUTE, endedMs: now - 207 * MINUTE, verdict: { verdict: 'repaired' } }],
    ...part,
  };
}

export function rescueAnswers(broken: boolean): Record<string, Answer> {
  let drill: Incident | null = null;
  const past = () => {
    const now = Date.now();
    const over = incident(now, {});
    return drill ? [drill, over] : [over];
  };
  const open = (now: number) => incident(now, {
    id: 'i2', cause: { code: 'config-invalid' }, evidence: ['~/.bulkhead/bulkhead.json line 14: found "ture", expected true or false.', 'It ended with exit code 78.'],
    beganMs: now - 42_000, noticedMs: now - 40_900, toldMs: now - 40_100, phase: { phase: 'open' }, remedies: [], configChange: ['- "enabled": true', '+ "enabled": ture'],
  });
  return {
    'rescue.status': (_, profile): RescueStatus => {
      const now = Date.now();
      if (profile !== 'rescue') return { configured: false, remedies: [], operators: [], warnings: [] };
      return {
        configured: true, watched: 'main', kind: 'bundled', health: broken ? 'down' : 'good',
        summary: broken ? 'main is down: its configuration cannot be used.' : 'main answers on port 18789, its bot and its model work.',
        remedies: broken ? ['rollback', 'safe-mode', 'logs', 'doctor', 'quiet'] : ['restart', 'safe-mode', 'logs', 'doctor'],
        auto: 'off', operators: ['5512'], warnings: [], details: { timeline: timeline(now) },
        ...(broken ? { incident: open(now) } : {}),
      };
    },
    'rescue.incidents': () => ({ incidents: broken ? [open(Date.now()), ...past()] : past() }),
    'rescue.remedy': ({ remedy, confirmed }) =>
      remedy === 'rollback' && !confirmed
        ? { reply: 'confirm', text: 'Roll main back to the configuration of 14:02? The present file is kept beside it.', request: 'q1' }
        : remedy === 'logs'
          ? { reply: 'answer', text: 'INFO ready in 38 ms\nERROR bulkhead.json line 14: found "ture"', request: 'q2' }
          : { reply: 'accepted', text: 'Asked the supervisor of main to do it.', request: 'q3' },
    'rescue.drill.start': () => {
      const beganMs = Date.now();
      drill = incident(beganMs, { id: 'i3', drill: true, beganMs, noticedMs: beganMs + 1_100, toldMs: beganMs + 1_700, phase: { phase: 'over', atMs: beganMs + 4_300 } });
      return { drill: 'd1', beganMs, text: 'main was stopped on purpose.' };
    },
  };
}
