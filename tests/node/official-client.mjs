// The official client against a gateway: connects, pairs, chats, aborts, reconnects. Between the two sits a proxy that hands
// every frame to the checker. Speaks JSON lines on standard output; the last one is the verdict.
//
//   node official-client.mjs PORT   with the shared secret on standard input, first line
import { GatewayClient } from '@openclaw/gateway-client';
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { WebSocket, WebSocketServer } from 'ws';
import { FrameChecker } from './frames.mjs';

const port = Number(process.argv[2]);
const token = readFileSync(0, 'utf8').split('\n')[0].trim();
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const checker = new FrameChecker();
const raw = [];
const sockets = new Set();

const proxy = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
proxy.on('connection', (client) => {
  const gateway = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
  const early = [];
  sockets.add(gateway);
  gateway.on('open', () => early.splice(0).forEach((text) => gateway.send(text)));
  gateway.on('message', (data) => {
    const text = data.toString();
    const frame = JSON.parse(text);
    if (raw.length < 200) raw.push(frame);
    checker.received(frame);
    client.send(text);
  });
  client.on('message', (data) => {
    checker.sent(JSON.parse(data.toString()));
    if (gateway.readyState === WebSocket.OPEN) gateway.send(data.toString());
    else early.push(data.toString());
  });
  gateway.on('close', (code, reason) => {
    sockets.delete(gateway);
    say({ closed: code, reason: reason.toString() });
    if (code >= 1000 && code <= 4999 && code !== 1005 && code !== 1006) client.close(code, reason.toString());
    else client.terminate();
  });
  gateway.on('error', () => client.terminate());
  client.on('close', () => gateway.close());
});
await new Promise((done) => proxy.once('listening', done));

// A device of its own, as a phone or a terminal has one.
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' });
const rawKey = (pem) => createPublicKey(pem).export({ type: 'spki', format: 'der' }).subarray(-32);
const identity = {
  deviceId: createHash('sha256').update(rawKey(publicKeyPem)).digest('hex'),
  privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  publicKeyPem,
};
const deviceTokens = [];
let stored;

const waiters = [];
const events = [];
function onEvent(event) {
  events.push(event);
  for (const waiter of [...waiters]) {
    if (waiter.test(event)) {
      waiters.splice(waiters.indexOf(waiter), 1);
      clearTimeout(waiter.timer);
      waiter.done(event);
    }
  }
}
function expectEvent(what, test, ms = 60_000) {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`no ${what} in time; events so far: ${events.map((e) => e.event)}`)), ms);
    waiters.push({ test, done, timer });
  });
}
const hellos = [];
let onHello;
function nextHello() {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error('no hello-ok in time')), 60_000);
    onHello = (hello) => { clearTimeout(timer); done(hello); };
  });
}

const client = new GatewayClient({
  url: `ws://127.0.0.1:${proxy.address().port}`,
  token,
  clientName: 'openclaw-tui',
  clientDisplayName: 'conformance',
  clientVersion: '2026.9.1',
  mode: 'ui',
  platform: process.platform,
  role: 'operator',
  scopes: ['operator.admin', 'operator.read', 'operator.write', 'operator.pairing'],
  caps: ['tool-events'],
  instanceId: randomUUID(),
  deviceIdentity: identity,
  hostDeps: {
    loadOrCreateDeviceIdentity: () => identity,
    signDevicePayload: (pem, payload) => sign(null, Buffer.from(payload), createPrivateKey(pem)).toString('base64url'),
    publicKeyRawBase64UrlFromPem: (pem) => rawKey(pem).toString('base64url'),
    loadDeviceAuthToken: () => stored ?? null,
    storeDeviceAuthToken: ({ token: issued, scopes }) => { stored = { token: issued, scopes }; deviceTokens.push(issued); },
    clearDeviceAuthToken: () => { stored = undefined; },
  },
  onEvent,
  onHelloOk: (hello) => { hellos.push(hello); onHello?.(hello); },
  onConnectError: (error) => say({ connectError: error.message }),
  onGap: (gap) => checker.errors.push(`a gap in seq: ${JSON.stringify(gap)}`),
});

async function scenario() {
  const first = nextHello();
  client.start();
  const hello = await first;
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
  const second = nextHello();
  for (const socket of sockets) socket.terminate();
  await second;
  await client.request('health', {});
  say({ step: 'reconnect', sameToken: new Set(deviceTokens).size <= 1 });

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
say({ verdict: failure || checker.errors.length ? 'failed' : 'passed', failure, errors: checker.errors.slice(0, 20),
  seen: checker.seen, mutationCaught: mutationIsCaught(), deviceTokens: deviceTokens.length });
process.exit(failure || checker.errors.length ? 1 : 0);
