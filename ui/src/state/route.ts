/** Where we are, kept in the address' fragment: works under any base path, in the app as in a browser. */
export const PAGES = [
  'home', 'setup', 'chat', 'sessions', 'schedules', 'approvals', 'canvas', 'models', 'channels', 'devices', 'secrets', 'skills', 'config', 'logs', 'usage', 'doctor', 'rescue', 'settings',
] as const;
export type Page = (typeof PAGES)[number];

export interface Route {
  page: Page;
  profile: string | null;
  /** What the page opens with, such as a conversation. */
  at?: string | null;
}

export function readRoute(hash: string, fallback: Page): Route {
  const [page, profile, at] = hash.replace(/^#\/?/, '').split('/').map(decode);
  const known = PAGES.find((one) => one === page);
  return { page: known ?? fallback, profile: known && profile ? profile : null, at: known && at ? at : null };
}

export function writeRoute({ page, profile, at }: Route): string {
  return `#/${page}${profile ? `/${encodeURIComponent(profile)}${at ? `/${encodeURIComponent(at)}` : ''}` : ''}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
