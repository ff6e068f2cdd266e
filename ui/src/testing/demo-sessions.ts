/** Conversations as `sessions.*` answers them, for designing pages and for screenshots. */
import type { Answer } from './memory-transport';

export function sessionAnswers(scene: string): Record<string, Answer> {
  const now = Date.now();
  const row = (key: string, title: string | null, preview: string, ago: number, more: Record<string, unknown> = {}) => ({
    key, sessionId: `id-${key}`, agentId: key.split(':')[1], derivedTitle: title, lastMessagePreview: preview, updatedAt: now - ago,
    modelProvider: 'anthropic', model: 'claude-sonnet-4-5', contextTokens: 200_000, totalTokens: 18_400, archived: false, pinned: false, status: 'done', ...more,
  });
  const rows: Record<string, unknown>[] = [
    row('agent:main:main', 'Main', 'Both gateways answer. Here is what I found', 594_000, { totalTokens: 121_900, pinned: true }),
    row('agent:main:telegram:direct:5512', 'Ada L.', 'Remind me tomorrow at nine', 7_200_000, { hasActiveRun: true }),
    row('agent:main:chat-9f1c22aa', null, 'Summarise the three reports in the workspace', 93_600_000, { totalTokens: 64_020 }),
    row('agent:reader:chat-1b2c3d4e', 'Weekly papers', 'I read four papers and kept two', 260_000_000, {
      label: 'Weekly papers', model: 'claude-haiku-4-5', status: 'failed', lastRunError: 'The model provider asked to slow down (429) five times.',
    }),
  ];
  const found = (key: unknown) => rows.find((one) => one['key'] === key);
  return {
    'agents.list': () => ({ defaultId: 'main', mainKey: 'main', agents: [{ id: 'main' }, { id: 'reader' }] }),
    'sessions.list': ({ archived, search, agentId }) => {
      const words = String(search ?? '').toLowerCase();
      const sessions = scene === 'none' ? [] : rows
        .filter((one) => archived === undefined || one['archived'] === archived)
        .filter((one) => !agentId || one['agentId'] === agentId)
        .filter((one) => [one['key'], one['label'], one['derivedTitle']].some((text) => String(text ?? '').toLowerCase().includes(words)))
        .sort((a, b) => Number(b['pinned']) - Number(a['pinned']) || Number(b['updatedAt']) - Number(a['updatedAt']));
      return { sessions: sessions.map((one) => ({ ...one })), totalCount: sessions.length, hasMore: false };
    },
    'sessions.search': ({ query }) => ({
      results: String(query).toLowerCase().startsWith('pap')
        ? [{ sessionKey: 'agent:main:main', sessionId: 'id', messageId: 'm9', role: 'user', snippet: '…put the papers of last week into the reading list…', timestamp: now - 400_000_000, score: 1 }]
        : [],
    }),
    'sessions.patch': ({ key, ...change }) => {
      const one = found(key);
      if (one) Object.assign(one, change);
      return { ok: true, key };
    },
    'sessions.reset': ({ key }) => ({ ok: true, key }),
    'sessions.compact': ({ key }) => ({ ok: true, key, compacted: true, result: { tokensBefore: 121_900, tokensAfter: 9_300 } }),
    'sessions.delete': ({ key }) => {
      rows.splice(rows.indexOf(found(key)!), 1);
      return { ok: true, key, deleted: true };
    },
  };
}
