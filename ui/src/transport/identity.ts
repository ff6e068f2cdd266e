/**
 * This browser's device identity: an Ed25519 key whose private half the browser itself keeps
 * (non-extractable, in IndexedDB). No script, ours included, can read it; it can only sign.
 */
import { RequestError } from './types';

export interface DeviceIdentity {
  /** Hex SHA-256 of the raw public key. */
  readonly id: string;
  /** The raw public key, base64url. */
  readonly publicKey: string;
  sign(text: string): Promise<string>;
}

interface Stored {
  privateKey: CryptoKey;
  publicKey: ArrayBuffer;
}

const DATABASE = 'bulkhead';
const STORE = 'identity';
const KEY = 'device';

export function base64url(bytes: ArrayBuffer | Uint8Array): string {
  const view = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  let binary = '';
  for (const byte of view) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

export async function deviceId(publicKey: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', publicKey));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What is signed: version 3 of the gateway protocol's device proof. */
export function proofText(proof: {
  deviceId: string;
  clientId: string;
  clientMode: string;
  role: string;
  scopes: readonly string[];
  signedAtMs: number;
  token: string;
  nonce: string;
  platform: string;
  deviceFamily: string;
}): string {
  const plain = (text: string) => text.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return [
    'v3',
    proof.deviceId,
    proof.clientId,
    proof.clientMode,
    proof.role,
    proof.scopes.join(','),
    String(proof.signedAtMs),
    proof.token,
    proof.nonce,
    plain(proof.platform),
    plain(proof.deviceFamily),
  ].join('|');
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB refused'));
  });
}

async function openDatabase(): Promise<IDBDatabase> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  return settled(opening);
}

/** Two tabs may come here at once: the first one's key is kept, both use it. */
async function keepFirst(fresh: Stored): Promise<Stored> {
  const database = await openDatabase();
  try {
    const store = database.transaction(STORE, 'readwrite').objectStore(STORE);
    const kept = (await settled(store.get(KEY))) as Stored | undefined;
    if (kept) return kept;
    await settled(store.put(fresh, KEY));
    return fresh;
  } finally {
    database.close();
  }
}

async function stored(): Promise<Stored | null> {
  const database = await openDatabase();
  try {
    const store = database.transaction(STORE, 'readonly').objectStore(STORE);
    return ((await settled(store.get(KEY))) as Stored | undefined) ?? null;
  } finally {
    database.close();
  }
}

async function generate(): Promise<Stored> {
  const pair = (await crypto.subtle.generateKey({ name: 'Ed25519' }, false, ['sign', 'verify'])) as CryptoKeyPair;
  return { privateKey: pair.privateKey, publicKey: await crypto.subtle.exportKey('raw', pair.publicKey) };
}

/** Finds this browser's identity, or makes it on the first visit. */
export async function browserIdentity(): Promise<DeviceIdentity> {
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle) {
    throw new RequestError(
      'INSECURE_CONTEXT',
      'This page was opened over plain HTTP from another machine, where browsers offer no keys. Open it on 127.0.0.1, through an SSH tunnel, or over HTTPS.',
    );
  }
  let keys: Stored;
  try {
    keys = (await stored()) ?? (await keepFirst(await generate()));
  } catch (cause) {
    throw new RequestError(
      'NO_DEVICE_KEY',
      'This browser could not make or keep an Ed25519 key. Update it (Chrome 137, Firefox 129, Safari 17 or newer) and allow site data for this address.',
      false,
      String(cause),
    );
  }
  return {
    id: await deviceId(keys.publicKey),
    publicKey: base64url(keys.publicKey),
    sign: async (text) =>
      base64url(await crypto.subtle.sign({ name: 'Ed25519' }, keys.privateKey, new TextEncoder().encode(text))),
  };
}
