// The official client as different people and machines use it: a program with the gateway's token, a device with a key of its
// own, a node.
import { GatewayClient } from '@openclaw/gateway-client';
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';

/** Every scope that an operator can hold. */
export const SCOPES = ['admin', 'read', 'write', 'approvals', 'pairing', 'questions'].map((name) => `operator.${name}`);

const rawKey = (pem) => createPublicKey(pem).export({ type: 'spki', format: 'der' }).subarray(-32);

/** A device of its own, as a phone or a terminal has one. */
export function newIdentity() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' });
  return {
    deviceId: createHash('sha256').update(rawKey(publicKeyPem)).digest('hex'),
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    publicKeyPem,
  };
}

function deviceOptions(identity, store) {
  return {
    deviceIdentity: identity,
    hostDeps: {
      loadOrCreateDeviceIdentity: () => identity,
      signDevicePayload: (pem, payload) => sign(null, Buffer.from(payload), createPrivateKey(pem)).toString('base64url'),
      publicKeyRawBase64UrlFromPem: (pem) => rawKey(pem).toString('base64url'),
      loadDeviceAuthToken: () => store.token ?? null,
      storeDeviceAuthToken: ({ token, scopes }) => { store.token = { token, scopes }; store.issued = (store.issued ?? 0) + 1; },
      clearDeviceAuthToken: () => { store.token = undefined; },
    },
  };
}

/** One connected client: requests, and the events that it was told. */
export class Client {
  constructor(options, { identity, store = {} } = {}) {
    this.events = [];
    this.waiters = [];
    this.hellos = [];
    this.errors = [];
    this.waitingForHello = [];
    this.store = store;
    this.client = new GatewayClient({
      clientVersion: '2026.9.1',
      platform: process.platform,
      role: 'operator',
      scopes: SCOPES,
      caps: ['tool-events'],
      instanceId: randomUUID(),
      ...options,
      ...(identity ? deviceOptions(identity, store) : { deviceIdentity: null }),
      onEvent: (event) => this.heard(event),
      onHelloOk: (hello) => { this.hellos.push(hello); this.waitingForHello.splice(0).forEach((done) => done(hello)); },
      onConnectError: (error) => { this.errors.push(error); this.refused?.(error); },
    });
  }

  /** The next hello of the gateway. */
  nextHello() {
    return new Promise((done) => this.waitingForHello.push(done));
  }

  /** Connects; fails with what the gateway says instead of hello. */
  async connect() {
    const refused = new Promise((_, fail) => { this.refused = fail; });
    const hello = this.nextHello();
    this.client.start();
    try {
      return await Promise.race([hello, refused]);
    } finally {
      this.refused = undefined;
    }
  }

  heard(event) {
    this.events.push(event);
    for (const waiter of [...this.waiters]) {
      if (!waiter.test(event)) continue;
      this.waiters.splice(this.waiters.indexOf(waiter), 1);
      clearTimeout(waiter.timer);
      waiter.done(event);
    }
  }

  /** Waits for an event that passes `test`. */
  expect(what, test, ms = 30_000) {
    return new Promise((done, fail) => {
      const why = () => new Error(`no ${what} in time; so far: ${[...new Set(this.events.map((e) => e.event))]}`);
      this.waiters.push({ test, done, timer: setTimeout(() => fail(why()), ms) });
    });
  }

  /** Waits for the next event of a name. */
  event(name, test = () => true, ms = 30_000) {
    return this.expect(`event ${name}`, (e) => e.event === name && test(e.payload), ms);
  }

  request(method, params, options) { return this.client.request(method, params, options); }

  stop() { this.client.stop(); }
}

/** A program that knows the gateway's token. */
export const program = (url, token) => new Client({ url, token, clientName: 'gateway-client', mode: 'backend' });

/** A person's terminal, with a device. */
export const terminal = (url, token, identity, more = {}, store = {}) =>
  new Client({ url, token, clientName: 'openclaw-tui', mode: 'ui', clientDisplayName: 'conformance', ...more }, { identity, store });

/** A machine that offers commands. */
export const node = (url, token, identity, more = {}) => new Client(
  { url, token, clientName: 'node-host', mode: 'node', role: 'node', scopes: [], clientDisplayName: 'bench', caps: ['system'],
    commands: ['system.which', 'system.notify'], ...more },
  { identity },
);
