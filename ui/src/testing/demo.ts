/** A believable world without a gateway: for designing pages and for screenshots. */
import type { Detection, PlanProfile, SetupProgress, SetupRequest, SetupResult } from '../bindings/commands';
import type { Transport } from '../transport/types';
import { deviceAnswers } from './demo-devices';
import { configAnswers } from './demo-config';
import { demoMachine } from './demo-machine';
import { rescueAnswers } from './demo-rescue';
import { scheduleAnswers } from './demo-schedules';
import { sessionAnswers } from './demo-sessions';
import { approvalAnswers } from './demo-approvals';
import { usageAnswers } from './demo-usage';
import { card, created, MemoryDesktop, MemoryTransport, progress, result } from './memory-transport';

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const DETECTION: Detection = {
  openclaw: [{ profile: null, stateDir: '~/.openclaw', port: 19_001, version: '2026.9.6', bots: 1, running: true }],
  gateways: [],
  models: [
    { kind: 'ollama', provider: 'ollama', api: 'ollama', baseUrl: 'http://127.0.0.1:11434', models: ['llama3.2:3b', 'qwen3:8b'] },
    { kind: 'env', provider: 'anthropic', api: 'anthropic', baseUrl: 'https://api.anthropic.com', envVar: 'ANTHROPIC_API_KEY', models: [] },
  ],
  chrome: { path: '/usr/bin/chromium' },
  keychain: { available: true, reason: null, code: null },
  proxy: { https: null, http: null, all: null, no: null },
  profiles: [],
  portsInUse: [{ port: 19_300, program: 'postgres', pid: 812, profile: null }, { port: 19_001, program: 'node', pid: 2210, profile: null }],
  unfinished: [],
};

/** As the set-up answers it, with this machine's own paths. */
function checklist(profiles: PlanProfile[]) {
  const values = (value: (profile: PlanProfile) => string) => Object.fromEntries(profiles.map((one) => [one.name, value(one)]));
  const home = ({ name }: PlanProfile) => (name === 'main' ? '/home/ada/.bulkhead' : `/home/ada/.bulkhead-${name}`);
  const line = (code: string, value: (profile: PlanProfile) => string) => ({ code, label: code, state: 'ok', values: values(value) });
  return [
    line('config', (one) => `${home(one)}/bulkhead.json`),
    line('state', home),
    line('workspace', ({ name }) => `/home/ada/.bulkhead/workspace${name === 'main' ? '' : `-${name}`}`),
    line('base-port', ({ port }) => String(port)),
    line('derived-ports', ({ port }) => `${(port ?? 0) + 2}, ${(port ?? 0) + 11}–${(port ?? 0) + 110}`),
    line('telegram', ({ name, telegram }) => (telegram ? (name === 'main' ? '777000111' : '777000222') : 'none')),
    line('keychain', ({ name }) => `ai.bulkhead.${name}, bulkhead-gateway${name === 'main' ? '' : `-${name}`}.service`),
  ];
}

async function setup(request: SetupRequest, tell: (line: SetupProgress) => void): Promise<SetupResult> {
  if (request.action === 'detect') {
    await wait(350);
    return result({ detection: DETECTION });
  }
  if (request.action === 'check') {
    await wait(300);
    for (const step of request.checks) {
      if (step === 'model' && request.plan?.model?.baseUrl.includes('9999')) {
        tell(progress({ step, state: 'failed', code: 'model.unreachable', message: 'Nothing answers on 127.0.0.1:9999 (connection refused). Start the server or correct the address.' }));
        return result({ ok: false });
      }
      const bots = request.plan?.profiles ?? [];
      const username = bots.some(({ name, telegram }) => name === 'rescue' && telegram) ? 'ada_rescue_bot' : 'ada_main_bot';
      if (step === 'keychain') {
        for (const { name, telegram } of bots) {
          const secrets = ['gateway/token', 'device/key', ...(telegram ? ['telegram/bot-token'] : [])];
          tell(progress({ step, profile: name, state: 'ok', message: 'The keychain works.', detail: { service: `ai.bulkhead.${name}`, secrets, latencyMs: 61 } }));
        }
        continue;
      }
      const detail = step === 'telegram' ? { bot: { username, id: 1 } }
        : step === 'model' ? { model: request.plan?.model?.modelId ?? '', latencyMs: 412 }
        : step === 'isolation' ? { lines: checklist(bots) } : null;
      tell(progress({ step, state: 'ok', code: 'ok', message: 'Fine.', detail }));
    }
    return result();
  }
  const profiles = (request.plan?.profiles ?? []).map(({ name, port }) => created(name, port ?? 18_789));
  for (const { name } of profiles) {
    for (const step of ['config', 'secrets', 'workspace', 'register'] as const) {
      tell(progress({ step, state: 'running', profile: name }));
      await wait(80);
      tell(progress({ step, state: 'ok', profile: name }));
    }
  }
  return result({ profiles });
}

const ANSWER = `Both gateways answer. Here is what I found:

| Profile | Port | State |
| --- | ---: | --- |
| main | 18789 | running |
| rescue | 19789 | watching main |

The last restart of **main** took 38 ms. To see it yourself:

\`\`\`sh
bulkhead status --json | jq '.profiles[].state'
\`\`\`

Nothing needs your attention. The [manual](https://example.org/manual) has more.`;

const tool = (id: string, name: string, input: unknown) => ({ type: 'toolCall', id, name, arguments: input });

function history(): unknown[] {
  const at = Date.now() - 600_000;
  return [
    { role: 'user', content: 'How are my two gateways doing?', timestamp: at, idempotencyKey: 'k1:user', __openclaw: { id: 'm1', seq: 1 } },
    { role: 'assistant', content: [{ type: 'text', text: 'I will look at both.' }, tool('t1', 'read', { path: 'notes/gateways.md' })], timestamp: at + 2_000, __openclaw: { id: 'm2', seq: 2, runId: 'k1' } },
    { role: 'toolResult', toolCallId: 't1', toolName: 'read', content: [{ type: 'text', text: '# Gateways\n\nmain on 18789, rescue on 19789.' }], __openclaw: { id: 'm3', seq: 3 } },
    { role: 'assistant', content: [{ type: 'text', text: ANSWER }], timestamp: at + 6_000, stopReason: 'stop', __openclaw: { id: 'm4', seq: 4, runId: 'k1' } },
  ];
}

function logs(profile: string): string[] {
  const start = Date.now() - 90_000;
  const rows: [string, string, string][] = [
    ['INFO', 'bulkhead_gateway', 'state directory locked'], ['INFO', 'bulkhead_gateway', 'listening on 127.0.0.1 and ::1'],
    ['INFO', 'bulkhead_gateway', 'ready in 38 ms'], ['INFO', 'bulkhead_channels', `telegram connected as @ada_${profile}_bot`],
    ['DEBUG', 'bulkhead_server', 'connection opened'], ['INFO', 'bulkhead_agent', 'run started'],
    ['WARN', 'bulkhead_agent', 'the model asked to slow down (429), trying again in 2 s'],
    ['INFO', 'bulkhead_agent', 'run ended'], ['ERROR', 'bulkhead_channels', 'sendMessage failed: the connection was reset, kept in the outbox'],
    ['INFO', 'bulkhead_channels', 'outbox empty'],
  ];
  return Array.from({ length: 60 }, (_, index) => {
    const [level, target, message] = rows[index % rows.length]!;
    return JSON.stringify({ timestamp: new Date(start + index * 1_437).toISOString(), level, target, fields: { message, profile } });
  });
}

export function demoTransport(query: URLSearchParams): Transport {
  const scene = query.get('scene') ?? 'home';
  const inBrowser = scene === 'browser' || scene === 'login';
  const transport = new MemoryTransport(inBrowser ? 'browser' : 'app');
  const desktop = new MemoryDesktop();
  desktop.onSetup = setup;
  desktop.onMachine = demoMachine(scene);
  const telegram = (username: string) => ({
    bot: { username },
    channels: [{ id: 'telegram', label: 'Telegram', state: 'connected' as const, detail: null, account: null }],
  });
  const main = card('main', 18_789, { ...telegram('ada_main_bot'), readyMs: 38 });
  const rescue = card('rescue', 19_789, { ...telegram('ada_rescue_bot'), pid: 4243, memoryBytes: 10_900_000, readyMs: 36 });
  const settled = (profile: string) => setTimeout(() => transport.connect(profile), 30);

  desktop.onStart = async (profile) => {
    await wait(200);
    const other = transport.cards.filter(({ name }) => name !== profile);
    transport.show([...other, profile === 'main' ? { ...main, since: Date.now() } : { ...rescue, since: Date.now() }].sort((a, b) => a.basePort - b.basePort));
    settled(profile);
  };
  transport.desktop = inBrowser ? null : desktop;
  if (inBrowser) transport.cards = [card('this', 18_789)];
  else if (scene === 'home' || scene === 'empty' || scene === 'none' || scene === 'slow' || scene === 'asking' || scene === 'incident') transport.cards = [main, rescue];
  else if (scene === 'trouble') {
    transport.cards = [
      { ...main, state: 'failed', since: Date.now() - 42_000, pid: null, memoryBytes: null, channels: [{ ...main.channels[0]!, state: 'disconnected' }], problem: { code: 'crash.loop', message: 'main ended 4 times within 60 s (exit code 101). The last good configuration is tried next.', action: 'logs' } },
      { ...rescue, state: 'degraded', channels: [{ ...rescue.channels[0]!, state: 'failed', detail: 'Unauthorized' }], problem: { code: 'telegram.token', message: 'Telegram refuses rescue\'s bot token. Make a new one with BotFather and enter it.', action: 'channels' } },
      card('dev', 18_829, { state: 'stopped', since: null, pid: null, memoryBytes: null, owner: 'service' }),
    ];
  }
  for (const { name } of transport.cards) {
    transport.logLines[name] = logs(name);
    if (scene === 'login') setTimeout(() => transport.set(name, { phase: 'refused', epoch: 0, code: 'TOKEN_REQUIRED', message: null }), 10);
    else if (scene !== 'trouble') settled(name);
  }
  for (const name of ['main', 'rescue']) transport.logLines[name] ??= logs(name);

  let seq = 0;
  const written: Record<string, unknown[]> = { 'agent:main:main': scene === 'empty' ? [] : history() };
  transport.answers = {
    'sessions.subscribe': () => ({ subscribed: true }),
    'sessions.messages.subscribe': () => ({ subscribed: true }),
    'sessions.messages.unsubscribe': () => ({ ok: true }),
    'chat.history': ({ sessionKey }) => ({ messages: written[String(sessionKey)] ?? [], hasMore: false, sessionInfo: { activeRunIds: [] } }),
    'chat.abort': () => ({ ok: true, aborted: true }),
    'chat.send': (params, profile) => {
      const sessionKey = String(params['sessionKey']);
      const runId = String(params['idempotencyKey']);
      const list = (written[sessionKey] ??= []);
      list.push({ role: 'user', content: params['message'], timestamp: Date.now(), idempotencyKey: `${runId}:user`, __openclaw: { id: crypto.randomUUID() } });
      void (async () => {
        let text = '';
        for (const word of ANSWER.split(/(?<= )/)) {
          await wait(30);
          text += word;
          transport.emit(profile, 'chat', { runId, sessionKey, seq: (seq += 1), state: 'delta', deltaText: word, message: { role: 'assistant', content: [{ type: 'text', text }] } });
        }
        list.push({ role: 'assistant', content: [{ type: 'text', text }], timestamp: Date.now(), __openclaw: { id: crypto.randomUUID(), runId } });
        transport.emit(profile, 'chat', { runId, sessionKey, seq: (seq += 1), state: 'final', message: { role: 'assistant', content: [{ type: 'text', text }] } });
      })();
      return { runId, status: 'started' };
    },
    'models.list': () => ({
      models: [
        { id: 'claude-sonnet-4-5', name: 'Claude Sonnet 4.5', provider: 'anthropic', contextWindow: 200_000, available: true },
        { id: 'claude-haiku-4-5', name: 'Claude Haiku 4.5', provider: 'anthropic', contextWindow: 200_000, available: true },
        { id: 'llama3.2:3b', name: 'llama3.2:3b', provider: 'ollama', contextWindow: 128_000, available: false, unavailableReason: 'cooldown' },
      ],
    }),
    'models.probe': async ({ provider }) => {
      await wait(400);
      return provider === 'anthropic' ? { provider, status: 'ok', latencyMs: 412, results: [] } : { provider, status: 'timeout', error: 'No answer from 127.0.0.1:11434 within 20 s.', results: [] };
    },
    'channels.status': () => ({
      channelOrder: ['telegram'], channelLabels: { telegram: 'Telegram' },
      channelAccounts: { telegram: [{ accountId: 'default', running: true, connected: true, bot: { username: 'ada_main_bot' } }] },
    }),
    'channels.pairing.list': () => ({
      accounts: [], limits: { pendingPerAccount: 3, ttlMs: 3_600_000 }, commandOwnerConfigured: false,
      requests: [{
        requestId: 'r1', channel: 'telegram', channelLabel: 'Telegram', accountId: 'default', senderId: '55120417', senderLabel: 'Ada Lovelace',
        code: 'K7PMX4QD', createdAt: new Date().toISOString(), lastSeenAt: new Date().toISOString(), expiresAt: new Date(Date.now() + 3_300_000).toISOString(), notifySupported: true,
      }],
    }),
    ...deviceAnswers(),
    'channels.pairing.approve': ({ requestId }) => ({ requestId, senderId: '55120417', notification: 'sent', commandOwnerBootstrap: 'not-requested' }),
  };
  Object.assign(transport.answers, configAnswers(), sessionAnswers(scene), scheduleAnswers(scene), usageAnswers(scene), approvalAnswers(scene), rescueAnswers(scene === 'incident'));
  return transport;
}
