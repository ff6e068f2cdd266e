/**
 * The gateway's token in a browser: taken from `#token=…` (as `bulkhead dashboard` opens it) or typed
 * into the login form; kept for this tab only, never in localStorage, a cookie or a URL.
 */
const KEY = 'bulkhead.token';

/** Takes the token out of the address bar at once, so that neither history nor a screenshot has it. */
export function takeTokenFromAddress(location: Location, history: History, storage: Storage): void {
  const fragment = location.hash.replace(/^#\/?/, '');
  if (!/(^|&)token=/.test(fragment)) return;
  const given = new URLSearchParams(fragment);
  const token = given.get('token')?.trim() ?? '';
  given.delete('token');
  const rest = given.toString();
  history.replaceState(history.state, '', location.pathname + location.search + (rest ? `#${rest}` : ''));
  if (token) storage.setItem(KEY, token);
}

export function keptToken(storage: Storage): string | null {
  return storage.getItem(KEY);
}

export function keepToken(storage: Storage, token: string): void {
  storage.setItem(KEY, token);
}

export function forgetToken(storage: Storage): void {
  storage.removeItem(KEY);
}
