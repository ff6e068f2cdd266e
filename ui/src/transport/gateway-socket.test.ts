import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewaySocket } from './gateway-socket';
import { proofText } from './identity';
import type { Connection } from './types';

/** The other end of a WebSocket, played by the test. */
class Wire {
  static all: Wire[] = [];
  sent: Record<string, unknown>[] = [];
  closed: number | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor(readonly url: string) {
    Wire.all.push(this);
  }
  static get last(): Wire {
    return Wire.all.at(-1)!;
  }
  send(text: string) {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(code: number) {
    if (this.closed !== null) return;
    this.closed = code;
    this.onclose?.({ code, reason: '' });
  }
  say(frame: unknown) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  drop(code = 1006, reason = '') {
    this.closed = code;
    this.onclose?.({ code, reason });
  }
  challenge(nonce = 'n-1') {
    this.say({ type: 'event', event: 'connect.challenge', payload: { nonce, ts: 1, capabilities: [] } });
  }
  request(method: string) {
    return this.sent.find((frame) => frame['method'] === method) as { id: string; params: Record<string, unknown> } | undefined;
  }
}

const hello = { type: 'hello-ok', protocol: 4, server: { version: '1', connId: 'c' }, features: { methods: [], events: [] }, snapshot: {}, policy: { tickIntervalMs: 30_000, maxPayload: 1 } };
const signed: string[] = [];
let token: string | null = 'secret';

function open() {
  const socket = new GatewaySocket({
    url: 'ws://127.0.0.1:18789/',
    identity: async () => ({ id: 'device-1', publicKey: 'pk', sign: async (text) => (signed.push(text), `signature of ${text.length}`) }),
    token: () => token,
    version: '9',
    instanceId: 'i-1',
    makeSocket: (url) => new Wire(url) as unknown as WebSocket,
    now: () => 1_000,
    random: () => 0,
  });
  const states: Connection[] = [];
  socket.changes.add((connection) => states.push(connection));
  return { socket, states };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

async function opened() {
  const made = open();
  made.socket.connect();
  await greet();
  return made;
}

async function greet() {
  Wire.last.challenge();
  await settle();
  Wire.last.say({ type: 'res', id: Wire.last.request('connect')!.id, ok: true, payload: hello });
  await settle();
}

beforeEach(() => {
  vi.useFakeTimers();
  Wire.all = [];
  signed.length = 0;
  token = 'secret';
});
afterEach(() => vi.useRealTimers());

describe('connecting', () => {
  it('answers the challenge with a proof over exactly what it sends', async () => {
    const { socket } = await opened();
    const { params } = Wire.last.request('connect')!;
    const client = params['client'] as Record<string, string>;
    expect(client).toMatchObject({ id: 'openclaw-control-ui', mode: 'webchat', platform: 'web' });
    expect(params).toMatchObject({ minProtocol: 4, maxProtocol: 4, role: 'operator', auth: { token: 'secret', password: 'secret' } });
    expect(params['device']).toMatchObject({ id: 'device-1', publicKey: 'pk', nonce: 'n-1', signedAt: 1_000 });
    expect(signed).toEqual([
      proofText({
        deviceId: 'device-1', clientId: client['id']!, clientMode: client['mode']!, role: 'operator',
        scopes: params['scopes'] as string[], signedAtMs: 1_000, token: 'secret', nonce: 'n-1',
        platform: client['platform']!, deviceFamily: client['deviceFamily']!,
      }),
    ]);
    expect(socket.connection).toMatchObject({ phase: 'open', epoch: 1 });
  });

  it('writes the proof as the protocol does: lower case and trimmed at the end only', () => {
    expect(
      proofText({
        deviceId: 'D', clientId: 'cli', clientMode: 'cli', role: 'operator', scopes: ['a', 'b'], signedAtMs: 5,
        token: 'ToKen', nonce: 'N', platform: ' Linux ', deviceFamily: 'ÄBC',
      }),
    ).toBe('v3|D|cli|cli|operator|a,b|5|ToKen|N|linux|Äbc');
  });

  it('does not connect without a token', () => {
    token = null;
    const { socket } = open();
    socket.connect();
    expect(Wire.all).toHaveLength(0);
    expect(socket.connection).toMatchObject({ phase: 'refused', code: 'TOKEN_REQUIRED' });
  });

  it('stops trying when the token is wrong, and goes on with another one', async () => {
    const { socket } = open();
    socket.connect();
    Wire.last.challenge();
    await settle();
    Wire.last.say({
      type: 'res', id: Wire.last.request('connect')!.id, ok: false,
      error: { code: 'INVALID_REQUEST', message: 'unauthorized', details: { code: 'AUTH_TOKEN_MISMATCH' } },
    });
    await settle();
    expect(socket.connection).toMatchObject({ phase: 'refused', code: 'AUTH_TOKEN_MISMATCH' });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(Wire.all).toHaveLength(1);
    token = 'other';
    socket.reconnect();
    await greet();
    expect(socket.connection.phase).toBe('open');
    expect(Wire.last.request('connect')!.params['auth']).toMatchObject({ token: 'other' });
  });

  it('waits and tries again while the gateway starts', async () => {
    const { socket } = open();
    socket.connect();
    Wire.last.challenge();
    await settle();
    Wire.last.say({ type: 'res', id: Wire.last.request('connect')!.id, ok: false, error: { code: 'UNAVAILABLE', message: 'starting', retryable: true } });
    await settle();
    expect(socket.connection.phase).toBe('waiting');
    await vi.advanceTimersByTimeAsync(400);
    expect(Wire.all).toHaveLength(2);
  });

  it('gives up a socket that never sends a challenge', async () => {
    const { socket } = open();
    socket.connect();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(Wire.all[0]!.closed).toBe(4000);
    expect(socket.connection).toMatchObject({ phase: 'waiting', code: 'SILENT' });
  });
});

describe('reconnecting', () => {
  it('waits longer each time, up to 15 s, and at once when asked', async () => {
    const { socket } = open();
    socket.connect();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const count = Wire.all.length;
      Wire.last.drop();
      const begun = Date.now();
      while (Wire.all.length === count) await vi.advanceTimersByTimeAsync(100);
      waits.push(Date.now() - begun);
    }
    expect(waits).toEqual([400, 800, 1_600, 3_200, 6_400, 12_800, 15_000, 15_000]);
    Wire.last.drop();
    const count = Wire.all.length;
    socket.reconnect();
    expect(Wire.all).toHaveLength(count + 1);
  });

  it('fails what was asked, and counts a new epoch', async () => {
    const { socket, states } = await opened();
    const asked = socket.request('health').catch((error: unknown) => error);
    Wire.last.drop(1012, 'restart');
    expect(await asked).toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
    expect(socket.connection).toMatchObject({ phase: 'waiting', code: 'RESTARTING', epoch: 1 });
    await vi.advanceTimersByTimeAsync(400);
    await greet();
    expect(socket.connection).toMatchObject({ phase: 'open', epoch: 2 });
    expect(states.map(({ phase }) => phase)).toEqual(['connecting', 'open', 'waiting', 'connecting', 'open']);
  });

  it('does not come back after a revoked login', async () => {
    const { socket } = await opened();
    Wire.last.drop(4001, 'credentials rotated');
    expect(socket.connection).toMatchObject({ phase: 'refused', code: 'AUTH_REVOKED' });
  });

  it('notices a gateway that went silent', async () => {
    const { socket } = await opened();
    await vi.advanceTimersByTimeAsync(64_000);
    expect(socket.connection.phase).toBe('open');
    Wire.last.say({ type: 'event', event: 'tick', payload: {}, seq: 1 });
    await vi.advanceTimersByTimeAsync(64_000);
    expect(socket.connection.phase).toBe('open');
    await vi.advanceTimersByTimeAsync(1_200);
    expect(socket.connection).toMatchObject({ phase: 'waiting', code: 'SILENT' });
  });

  it('hears nothing more from an old socket', async () => {
    const { socket } = await opened();
    const old = Wire.last;
    const heard: string[] = [];
    socket.events.add(({ event }) => heard.push(event));
    socket.reconnect();
    await greet();
    old.say({ type: 'event', event: 'chat', payload: {}, seq: 1 });
    expect(heard).toEqual([]);
  });
});

describe('events', () => {
  it('are delivered once, and a hole makes a new epoch', async () => {
    const { socket } = await opened();
    const heard: unknown[] = [];
    socket.events.add(({ payload }) => heard.push(payload));
    for (const seq of [1, 2, 2, 5, 4]) Wire.last.say({ type: 'event', event: 'chat', payload: seq, seq });
    expect(heard).toEqual([1, 2, 5]);
    expect(socket.connection).toMatchObject({ phase: 'open', epoch: 2 });
  });

  it('reach the other listeners when one of them throws', async () => {
    const { socket } = await opened();
    const quiet = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const heard: string[] = [];
    socket.events.add(() => {
      throw new Error('mine');
    });
    socket.events.add(({ event }) => heard.push(event));
    Wire.last.say({ type: 'event', event: 'tick', payload: {}, seq: 1 });
    expect(heard).toEqual(['tick']);
    quiet.mockRestore();
  });
});

describe('requests', () => {
  it('are answered by id, in any order', async () => {
    const { socket } = await opened();
    const [first, second] = [socket.request('a'), socket.request('b')];
    Wire.last.say({ type: 'res', id: Wire.last.request('b')!.id, ok: true, payload: 2 });
    Wire.last.say({ type: 'res', id: Wire.last.request('a')!.id, ok: true, payload: 1 });
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });

  it('carry the code of the refusal', async () => {
    const { socket } = await opened();
    const asked = socket.request('config.set').catch((error: unknown) => error);
    Wire.last.say({ type: 'res', id: Wire.last.request('config.set')!.id, ok: false, error: { code: 'FORBIDDEN', message: 'no', details: { code: 'MISSING_SCOPE' } } });
    expect(await asked).toMatchObject({ code: 'MISSING_SCOPE', message: 'no', retryable: false });
  });

  it('end after their time', async () => {
    const { socket } = await opened();
    const asked = socket.request('slow', {}, 5_000).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await asked).toMatchObject({ code: 'TIMEOUT', retryable: true });
  });

  it('wait for the second answer of a run', async () => {
    const { socket } = await opened();
    const asked = socket.request('agent');
    const { id } = Wire.last.request('agent')!;
    Wire.last.say({ type: 'res', id, ok: true, payload: { status: 'accepted' } });
    Wire.last.say({ type: 'res', id, ok: true, payload: { status: 'ok' } });
    expect(await asked).toEqual({ status: 'ok' });
  });

  it('are refused at once when nobody is there', async () => {
    const { socket } = open();
    await expect(socket.request('health')).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });
});
