/**
 * One connection to one gateway, protocol version 4: challenge, connect with a device proof, requests,
 * events in sequence, a watch on silence, and reconnection. Knows nothing of pages.
 */
import type { EventFrame } from '../bindings/commands';
import { backoffMs } from './backoff';
import { proofText, type DeviceIdentity } from './identity';
import { Listeners } from './listeners';
import { Sequence } from './sequence';
import { RequestError, asRequestError, type Connection } from './types';
import { uuid } from './uuid';

const PROTOCOL = 4;
const CLIENT_ID = 'openclaw-control-ui';
const CLIENT_MODE = 'webchat';
const ROLE = 'operator';
const SCOPES = ['operator.admin', 'operator.read', 'operator.write', 'operator.approvals', 'operator.pairing'];
const PLATFORM = 'web';
const DEVICE_FAMILY = 'Browser';
const CHALLENGE_MS = 10_000;
const REQUEST_MS = 30_000;
const MAX_WAITING = 128;

/** Refusals that trying again cannot heal: the person has to do something. */
const FINAL = /^(AUTH_|DEVICE_|CONTROL_UI_|NOT_PAIRED$|PAIRING_REQUIRED$|PROTOCOL_MISMATCH$|INSECURE_CONTEXT$|NO_DEVICE_KEY$)/;

export interface Hello {
  server: { version: string; connId: string };
  features: { methods: string[]; events: string[] };
  snapshot: { sessionDefaults?: { mainSessionKey?: string }; uptimeMs?: number; stateDir?: string };
  policy: { tickIntervalMs: number; maxPayload: number };
}

export interface SocketOptions {
  url: string;
  identity: () => Promise<DeviceIdentity>;
  /** Asked at every attempt. `null`: nothing to try with, so refuse instead of connecting. */
  token: () => string | null;
  version: string;
  instanceId: string;
  makeSocket?: (url: string) => WebSocket;
  now?: () => number;
  random?: () => number;
}

interface Waiting {
  method: string;
  resolve: (payload: unknown) => void;
  reject: (error: RequestError) => void;
  timer: ReturnType<typeof setTimeout>;
}

interface ResponseFrame {
  type: 'res';
  id: string;
  ok: boolean;
  payload?: unknown;
  error?: { code?: string; message?: string; details?: { code?: string } | null; retryable?: boolean; retryAfterMs?: number };
}

export class GatewaySocket {
  readonly events = new Listeners<EventFrame>();
  readonly changes = new Listeners<Connection>();
  connection: Connection = { phase: 'connecting', epoch: 0, code: null, message: null };
  hello: Hello | null = null;

  readonly #options: SocketOptions;
  readonly #sequence = new Sequence();
  readonly #waiting = new Map<string, Waiting>();
  #socket: WebSocket | null = null;
  #attempt = 0;
  #counter = 0;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #watch: ReturnType<typeof setTimeout> | null = null;
  #stopped = false;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  /** Connects, or tries again at once (after a login, or when the network is back). */
  connect(): void {
    if (this.#stopped || this.#socket) return;
    this.#clear('#retry');
    const token = this.#options.token();
    if (token === null) {
      this.#change('refused', 'TOKEN_REQUIRED', null);
      return;
    }
    this.#change('connecting', null, null);
    let socket: WebSocket;
    try {
      socket = (this.#options.makeSocket ?? ((url) => new WebSocket(url)))(this.#options.url);
    } catch (cause) {
      this.#failed(new RequestError('CONNECTION_LOST', String(cause), true));
      return;
    }
    this.#socket = socket;
    this.#sequence.reset();
    let refusal: RequestError | null = null;
    this.#silence(CHALLENGE_MS);
    socket.onmessage = (message) => {
      if (this.#socket !== socket || typeof message.data !== 'string') return;
      this.#frame(socket, message.data, token).catch((cause: unknown) => {
        refusal = asRequestError(cause);
        socket.close(1000);
      });
    };
    socket.onclose = (event) => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#failed(refusal ?? closeReason(event.code, event.reason));
    };
  }

  /** Ends it for good. */
  stop(): void {
    this.#stopped = true;
    this.#drop(new RequestError('CLOSED', 'This page closed the connection.'));
    this.#change('closed', null, null);
  }

  /** Starts over, for instance with another token. */
  reconnect(): void {
    this.#drop(new RequestError('CONNECTION_LOST', 'The connection was started again.', true));
    this.#attempt = 0;
    this.connect();
  }

  request<T>(method: string, params: unknown = {}, timeoutMs = REQUEST_MS): Promise<T> {
    if (this.connection.phase !== 'open') {
      return Promise.reject(new RequestError('NOT_CONNECTED', 'The gateway is not connected right now.', true));
    }
    return this.#send<T>(method, params, timeoutMs);
  }

  #send<T>(method: string, params: unknown, timeoutMs: number): Promise<T> {
    const socket = this.#socket;
    if (!socket) return Promise.reject(new RequestError('NOT_CONNECTED', 'The gateway is not connected right now.', true));
    if (this.#waiting.size >= MAX_WAITING) {
      return Promise.reject(new RequestError('TOO_MANY_REQUESTS', 'Too many requests wait for an answer.', true));
    }
    this.#counter += 1;
    const id = `${this.#counter}:${uuid()}`;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new RequestError('TIMEOUT', `The gateway gave no answer to ${method} within ${Math.round(timeoutMs / 1000)} s.`, true));
      }, timeoutMs);
      this.#waiting.set(id, { method, resolve: resolve as (payload: unknown) => void, reject, timer });
      socket.send(JSON.stringify({ type: 'req', id, method, params }));
    });
  }

  async #frame(socket: WebSocket, text: string, token: string): Promise<void> {
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      throw new RequestError('BAD_FRAME', 'The gateway sent something that is not JSON.', true);
    }
    if (typeof frame !== 'object' || frame === null) return;
    if (this.hello && this.connection.phase === 'open') this.#silence(this.hello.policy.tickIntervalMs * 2 + 5_000);
    const kind = (frame as { type?: unknown }).type;
    if (kind === 'res') this.#response(frame as ResponseFrame);
    else if (kind === 'event') {
      const event = frame as EventFrame;
      if (event.event === 'connect.challenge') {
        if (this.connection.phase === 'connecting') await this.#prove(socket, event.payload, token);
        return;
      }
      const verdict = this.#sequence.take(event.seq);
      if (verdict === 'stale') return;
      this.events.tell(event);
      if (verdict === 'gap') this.#renew();
    }
  }

  #response(frame: ResponseFrame): void {
    const waiting = this.#waiting.get(frame.id);
    if (!waiting) return;
    // Some methods answer twice under one id: first that the work was accepted, then its end.
    const accepted = (frame.payload as { status?: unknown } | undefined)?.status === 'accepted';
    if (frame.ok && accepted && waiting.method === 'agent') return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(frame.id);
    if (frame.ok) {
      waiting.resolve(frame.payload ?? null);
      return;
    }
    const { error } = frame;
    waiting.reject(
      new RequestError(
        error?.details?.code ?? error?.code ?? 'UNKNOWN',
        error?.message ?? 'The gateway refused without a reason.',
        error?.retryable === true,
        error?.details ?? null,
      ),
    );
  }

  async #prove(socket: WebSocket, challenge: unknown, token: string): Promise<void> {
    const nonce = (challenge as { nonce?: unknown })?.nonce;
    if (typeof nonce !== 'string') throw new RequestError('BAD_FRAME', 'The gateway sent a challenge without a nonce.');
    const identity = await this.#options.identity();
    const signedAtMs = (this.#options.now ?? Date.now)();
    const signature = await identity.sign(
      proofText({
        deviceId: identity.id,
        clientId: CLIENT_ID,
        clientMode: CLIENT_MODE,
        role: ROLE,
        scopes: SCOPES,
        signedAtMs,
        token,
        nonce,
        platform: PLATFORM,
        deviceFamily: DEVICE_FAMILY,
      }),
    );
    if (this.#socket !== socket) return;
    const hello = await this.#send<Hello>(
      'connect',
      {
        minProtocol: PROTOCOL,
        maxProtocol: PROTOCOL,
        client: {
          id: CLIENT_ID,
          displayName: 'Bulkhead web UI',
          version: this.#options.version,
          platform: PLATFORM,
          deviceFamily: DEVICE_FAMILY,
          mode: CLIENT_MODE,
          instanceId: this.#options.instanceId,
        },
        caps: ['tool-events'],
        // A gateway whose secret is a password looks for it here; the field costs nothing elsewhere.
        auth: token ? { token, password: token } : {},
        role: ROLE,
        scopes: SCOPES,
        device: { id: identity.id, publicKey: identity.publicKey, signature, signedAt: signedAtMs, nonce },
      },
      CHALLENGE_MS,
    );
    this.hello = hello;
    this.#attempt = 0;
    this.#silence((hello.policy?.tickIntervalMs ?? 30_000) * 2 + 5_000);
    this.#change('open', null, null, this.connection.epoch + 1);
  }

  /** Nothing heard for too long: a dead socket can look open for minutes. */
  #silence(ms: number): void {
    this.#clear('#watch');
    this.#watch = setTimeout(() => {
      const socket = this.#socket;
      if (!socket) return;
      this.#socket = null;
      socket.close(4000);
      this.#failed(new RequestError('SILENT', 'The gateway went silent.', true));
    }, ms);
  }

  #failed(reason: RequestError): void {
    this.#drop(new RequestError('CONNECTION_LOST', 'The connection to the gateway was lost.', true));
    if (this.#stopped) return;
    if (!reason.retryable && FINAL.test(reason.code)) {
      this.#change('refused', reason.code, reason.message);
      return;
    }
    this.#change('waiting', reason.code, reason.message);
    const delay = backoffMs(this.#attempt, this.#options.random);
    this.#attempt += 1;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.connect();
    }, delay);
  }

  #drop(error: RequestError): void {
    this.#clear('#retry');
    this.#clear('#watch');
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) {
      clearTimeout(one.timer);
      one.reject(error);
    }
  }

  #renew(): void {
    this.#change(this.connection.phase, this.connection.code, this.connection.message, this.connection.epoch + 1);
  }

  #change(phase: Connection['phase'], code: string | null, message: string | null, epoch = this.connection.epoch): void {
    this.connection = { phase, code, message, epoch };
    this.changes.tell(this.connection);
  }

  #clear(which: '#retry' | '#watch'): void {
    const timer = which === '#retry' ? this.#retry : this.#watch;
    if (timer !== null) clearTimeout(timer);
    if (which === '#retry') this.#retry = null;
    else this.#watch = null;
  }
}

function closeReason(code: number, reason: string): RequestError {
  if (code === 4001) return new RequestError('AUTH_REVOKED', reason || 'The gateway revoked this login.');
  if (code === 1012) return new RequestError('RESTARTING', reason || 'The gateway is restarting.', true);
  if (code === 1013) return new RequestError('STARTING', reason || 'The gateway is still starting.', true);
  return new RequestError('CONNECTION_LOST', reason || 'The connection to the gateway was lost.', true);
}
