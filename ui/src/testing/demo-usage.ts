/** What answers took and which skills there are, for designing pages and for screenshots. */
import type { Skill } from '../skills/skills.svelte';
import type { Totals } from '../usage/usage.svelte';
import type { Answer } from './memory-transport';

const DAY = 86_400_000;
const totals = (input: number, output: number, price = 1): Totals & Record<string, number> => ({
  input, output, cacheRead: 0, cacheWrite: 0, totalTokens: input + output, totalCost: (input * 3 + output * 15) * 1e-6 * price, inputCost: 0, outputCost: 0, cacheReadCost: 0, cacheWriteCost: 0, missingCostEntries: price === 0 ? 14 : 0,
});

export function usageAnswers(scene: string): Record<string, Answer> {
  const none = scene === 'none' || scene === 'empty';
  const count = (range: unknown) => ({ '7d': 7, '90d': 90 })[String(range)] ?? 30;
  const daily = (range: unknown) =>
    Array.from({ length: count(range) }, (_, at) => {
      const date = new Date(Date.now() - (count(range) - 1 - at) * DAY).toISOString().slice(0, 10);
      const wave = none ? 0 : Math.round(Math.abs(Math.sin(at * 1.7)) * 42_000) * (at % 6 === 5 ? 0 : 1);
      return { date, ...totals(wave * 4, wave) };
    });
  const sum = (range: unknown) => {
    const days = daily(range);
    return totals(days.reduce((all, day) => all + day.input!, 0), days.reduce((all, day) => all + day.output!, 0));
  };
  const skill = (name: string, part: Partial<Skill>): Skill => ({
    name, description: '', source: 'workspace', skillKey: name, filePath: `~/.bulkhead/workspace/skills/${name}/SKILL.md`, disabled: false, eligible: true, missing: {}, ...part,
  });
  let skills = none ? [] : [
    skill('weather', { description: 'Current weather and forecasts without a key.', emoji: '🌦️', homepage: 'https://example.org/weather' }),
    skill('spreadsheets', { description: 'Reads and writes sheets, charts and pivot tables.', source: 'managed', eligible: false, missing: { bins: ['xlsx2csv'], env: ['SHEETS_TOKEN'] } }),
    skill('release-notes', { description: 'Writes release notes from commits in the style of this house.', disabled: true }),
  ];
  return {
    'usage.cost': ({ range }) => ({ updatedAt: Date.now(), days: count(range), daily: daily(range), totals: sum(range) }),
    'sessions.usage': ({ range }) => ({
      sessions: none ? [] : [
        { key: 'agent:main:main', label: 'Main conversation', agentId: 'main', usage: totals(1_204_000, 214_000) },
        { key: 'agent:main:telegram:direct:55120417', agentId: 'main', usage: totals(402_000, 71_000) },
        { key: 'agent:reader:cron:papers', label: 'Papers', agentId: 'reader', usage: totals(300_000, 44_000, 0) },
      ],
      totals: sum(range),
      aggregates: { byModel: none ? [] : [
        { provider: 'anthropic', model: 'claude-sonnet-4-5', count: 212, totals: totals(1_606_000, 285_000) },
        { provider: 'ollama', model: 'llama3.2:3b', count: 14, totals: totals(300_000, 44_000, 0) },
      ] },
    }),
    'skills.status': () => ({ workspaceDir: '~/.bulkhead/workspace', managedSkillsDir: '~/.bulkhead/skills', agentId: 'main', skills }),
    'skills.update': ({ skillKey, enabled }) => {
      skills = skills.map((one) => (one.skillKey === skillKey ? { ...one, disabled: !enabled } : one));
      return { ok: true, skillKey, config: { enabled } };
    },
  };
}
