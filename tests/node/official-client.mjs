// The official client against a gateway: connects, pairs, chats, aborts, reconnects. Between the two sits a proxy that hands
// every frame to the checker. Speaks JSON lines on standard output; the last one is the verdict.
//
//   node official-client.mjs PORT   with the shared secret on standard input, first line
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { newIdentity, terminal } from './clients.mjs';
import { FrameChecker, Record } from './frames.mjs';
import { startProxy } from './proxy.mjs';

const port = Number(process.argv[2]);
const token = readFileSync(0, 'utf8').split('\n')[0].trim();
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const record = new Record();
const raw = [];
const proxy = await startProxy({ port, record, notice: say, onFrame: (frame) => { if (raw.length < 200) raw.push(frame); } });
const store = {};
const client = terminal(proxy.url, token, newIdentity(), {
  onGap: (gap) => record.errors.push(`a gap in seq: ${JSON.stringify(gap)}`),
}, store);
const { events } = client;
const expectEvent = (what, test, ms = 60_000) => client.expect(what, test, ms);

async function scenario() {
  const hello = await client.connect();
  say({ step: 'hello', methods: hello.features.methods.length, scopes: hello.auth.scopes, deviceToken: Boolean(hello.auth.deviceToken) });
  await client.request('sessions.subscribe', {});
  const sessionKey = 'agent:main:conformance';
  for (const [method, params] of [
    ['health', {}], ['status', {}], ['system-presence', {}], ['channels.status', { probe: false, timeoutMs: 8000 }],
    ['models.list', { view: 'configured' }], ['agents.list', {}], ['sessions.list', {}], ['config.get', {}],
    ['config.schema', {}], ['logs.tail', { limit: 50 }], ['channels.pairing.list', {}],
    ['chat.startup', { sessionKey, limit: 20 }], ['sessions.messages.subscribe', { key: sessionKey }],
  ]) {
    await client.request(method, params);
    say({ step: method });
  }

  // A chat, streamed to its end.
  const runId = randomUUID();
  const final = expectEvent('final answer', (e) => e.event === 'chat' && e.payload.runId === runId && e.payload.state === 'final');
  const ack = await client.request('chat.send', { sessionKey, message: 'say hello in three words', deliver: false, idempotencyKey: runId });
  const text = (await final).payload.message.content.map((part) => part.text ?? '').join('');
  const deltas = events.filter((e) => e.event === 'chat' && e.payload.runId === runId && e.payload.state === 'delta').length;
  say({ step: 'chat', status: ack.status, text, deltas });
  const again = await client.request('chat.send', { sessionKey, message: 'say hello in three words', deliver: false, idempotencyKey: runId });
  say({ step: 'chat again', status: again.status });
  const history = await client.request('chat.history', { sessionKey, limit: 20 });
  say({ step: 'history', messages: history.messages.length });
  const described = await client.request('sessions.describe', { key: sessionKey });
  say({ step: 'describe', keys: Object.keys(described) });

  // An answer cut short.
  const slow = randomUUID();
  const begun = expectEvent('first delta', (e) => e.event === 'chat' && e.payload.runId === slow && e.payload.state === 'delta');
  const aborted = expectEvent('abort', (e) => e.event === 'chat' && e.payload.runId === slow && e.payload.state === 'aborted');
  await client.request('chat.send', { sessionKey, message: 'SLOW 400', deliver: false, idempotencyKey: slow });
  await begun;
  await client.request('chat.abort', { sessionKey, runId: slow });
  say({ step: 'abort', stopReason: (await aborted).payload.stopReason });

  // A run in two frames.
  const run = await client.request('agent', { message: 'say hello', sessionKey, deliver: false, idempotencyKey: randomUUID() }, { expectFinal: true });
  say({ step: 'agent', status: run.status });
  const waited = await client.request('agent.wait', { runId: run.runId, timeoutMs: 10_000 });
  say({ step: 'agent.wait', status: waited.status });

  // The connection breaks and comes back with the device's token.
  const second = client.nextHello();
  const { token: before } = store.token;
  proxy.cut();
  await second;
  await client.request('health', {});
  say({ step: 'reconnect', sameToken: store.token.token === before });

  if (!events.some((e) => e.event === 'tick')) await expectEvent('tick', (e) => e.event === 'tick', 45_000);
  say({ step: 'tick' });
  if (!events.some((e) => e.event === 'health')) await expectEvent('health', (e) => e.event === 'health', 90_000);
  say({ step: 'ready for shutdown' });
  await expectEvent('shutdown', (e) => e.event === 'shutdown');
  say({ step: 'shutdown' });
}

// One frame spoiled on purpose: the same check must refuse it.
function mutationIsCaught() {
  const hello = raw.find((frame) => frame.type === 'res' && frame.payload?.type === 'hello-ok');
  const delta = raw.find((frame) => frame.event === 'chat');
  const spoil = [
    (frame) => { frame.payload.protocol = 'four'; return frame; },
    (frame) => { delete frame.payload.policy; return frame; },
    (frame) => { frame.surprise = true; return frame; },
  ].map((change) => change(structuredClone(hello)));
  if (delta) spoil.push({ ...structuredClone(delta), payload: { ...delta.payload, state: 'nonsense' }, seq: undefined });
  return spoil.every((frame) => {
    const fresh = new FrameChecker();
    if (frame.id) fresh.methods.set(frame.id, 'connect');
    fresh.received(frame);
    return fresh.errors.length > 0;
  });
}

let failure;
try {
  await scenario();
} catch (error) {
  failure = error.stack ?? String(error);
}
client.stop();
proxy.close();
say({ verdict: failure || record.errors.length ? 'failed' : 'passed', failure, errors: record.errors.slice(0, 20),
  seen: record.seen, mutationCaught: mutationIsCaught(), deviceTokens: store.issued });
process.exit(failure || record.errors.length ? 1 : 0);
