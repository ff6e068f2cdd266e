/** What a setup code says of itself: base64url of JSON with the address that it leads to. Codes of others are just text. */
export function addressIn(code: string): string | null {
  try {
    const text = atob(code.replace(/-/g, '+').replace(/_/g, '/'));
    const { url } = JSON.parse(text) as { url?: unknown };
    return typeof url === 'string' && /^wss?:\/\/[^\s@]{1,500}$/.test(url) ? url : null;
  } catch {
    return null;
  }
}
