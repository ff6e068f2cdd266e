/** Where we are, kept in the address' fragment: works under any base path, in the app as in a browser. */
export const PAGES = ['home', 'setup', 'chat', 'logs', 'models', 'channels', 'approvals', 'devices', 'rescue', 'settings'] as const;
export type Page = (typeof PAGES)[number];

export interface Route {
  page: Page;
  profile: string | null;
}

export function readRoute(hash: string, fallback: Page): Route {
  const [page, profile] = hash.replace(/^#\/?/, '').split('/').map(decode);
  const known = PAGES.find((one) => one === page);
  return { page: known ?? fallback, profile: known && profile ? profile : null };
}

export function writeRoute({ page, profile }: Route): string {
  return `#/${page}${profile ? `/${encodeURIComponent(profile)}` : ''}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
