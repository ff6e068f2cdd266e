/** What comes out of a document's frame. Nothing in it is believed but its form: which document it was is the host's to say. */
export type Saying = { type: 'act'; name: string; data: unknown } | { type: 'link'; href: string };

/** The longest that a document may say at once; the gateway has its own, smaller limits. */
const LONGEST = 16_384;

export function readSaying(data: unknown): Saying | null {
  if (typeof data !== 'string' || data.length > LONGEST) return null;
  let said: unknown;
  try {
    said = JSON.parse(data);
  } catch {
    return null;
  }
  if (typeof said !== 'object' || said === null) return null;
  const { bulkhead, type, name, data: more, href } = said as Record<string, unknown>;
  if (bulkhead !== 'canvas') return null;
  if (type === 'act' && typeof name === 'string' && name.trim()) return { type, name: name.slice(0, 80), data: more ?? null };
  if (type === 'link' && typeof href === 'string' && isWeb(href)) return { type, href };
  return null;
}

function isWeb(href: string): boolean {
  try {
    return ['http:', 'https:'].includes(new URL(href).protocol);
  } catch {
    return false;
  }
}

/** What was pushed onto a surface since it was loaded; `null` if that is not all that changed. */
export function pushedSince(before: string, now: string): unknown[] | null {
  const old = before ? `${before}\n` : '';
  if (!before || !now.startsWith(old)) return null;
  try {
    return now.slice(old.length).split('\n').map((line) => JSON.parse(line) as unknown);
  } catch {
    return null;
  }
}
