/** The licences of what is shipped, as the build wrote them (`cargo xtask build --ui`); a plain `vite build` has none. */
export interface Part {
  name: string;
  version: string;
  licence: string;
  url: string | null;
  by: string[];
  texts: number[];
}

export interface Licences {
  parts: Part[];
  texts: string[];
}

const shipped = import.meta.glob<Licences>('./shipped.json', { import: 'default' })['./shipped.json'];

export const licences = (): Promise<Licences | null> => shipped?.() ?? Promise.resolve(null);

/** What a part is found by. */
export function matching(parts: Part[], words: string): Part[] {
  const wanted = words.trim().toLowerCase();
  if (!wanted) return parts;
  return parts.filter((part) => `${part.name} ${part.licence} ${part.by.join(' ')}`.toLowerCase().includes(wanted));
}
