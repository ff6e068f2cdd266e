import { afterEach, describe, expect, it } from 'vitest';
import { base64url, browserIdentity, deviceId } from './identity';

const remove = () =>
  new Promise<void>((resolve) => {
    const request = indexedDB.deleteDatabase('bulkhead');
    request.onsuccess = request.onerror = request.onblocked = () => resolve();
  });
afterEach(remove);

const bytes = (text: string) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));

describe("this browser's identity", () => {
  it('is made once, and the same on the next visit', async () => {
    const first = await browserIdentity();
    const second = await browserIdentity();
    expect(second.id).toBe(first.id);
    expect(first.id).toMatch(/^[0-9a-f]{64}$/);
    expect(first.id).toBe(await deviceId(bytes(first.publicKey).buffer));
  });

  it('signs so that its public key agrees', async () => {
    const identity = await browserIdentity();
    const signature = bytes(await identity.sign('v3|hällo'));
    const key = await crypto.subtle.importKey('raw', bytes(identity.publicKey), { name: 'Ed25519' }, true, ['verify']);
    expect(await crypto.subtle.verify({ name: 'Ed25519' }, key, signature, new TextEncoder().encode('v3|hällo'))).toBe(true);
  });

  it('is one even when two tabs come at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => browserIdentity()));
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
  });

  it('keeps a private key that nobody can take out', async () => {
    await browserIdentity();
    const database = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open('bulkhead', 1);
      request.onsuccess = () => resolve(request.result);
    });
    const kept = await new Promise<{ privateKey: CryptoKey }>((resolve) => {
      const request = database.transaction('identity').objectStore('identity').get('device');
      request.onsuccess = () => resolve(request.result as { privateKey: CryptoKey });
    });
    database.close();
    expect(kept.privateKey.extractable).toBe(false);
    await expect(crypto.subtle.exportKey('pkcs8', kept.privateKey)).rejects.toThrow();
  });
});

it('base64url has no padding and no unsafe letters', () => {
  expect(base64url(new Uint8Array([251, 255, 191, 0]))).toBe('-_-_AA');
});
