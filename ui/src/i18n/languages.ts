/** The languages that there are, and which of them a system's wish means. */
import { baseLocale, locales, type Locale } from '../paraglide/runtime.js';

export type { Locale };
export { baseLocale, locales };

/** A language in its own name. */
export function languageName(locale: string): string {
  const name = new Intl.DisplayNames([locale], { type: 'language' }).of(locale) ?? locale;
  return name.charAt(0).toLocaleUpperCase(locale) + name.slice(1);
}

/** The catalogue for one BCP 47 tag: by language, and by script where a language is written in more than one. */
export function catalogue(tag: string): Locale | null {
  let wanted: Intl.Locale;
  try {
    wanted = new Intl.Locale(tag.replaceAll('_', '-')).maximize();
  } catch {
    return null;
  }
  const same = (locale: Locale) => {
    const own = new Intl.Locale(locale).maximize();
    return own.language === wanted.language && own.script === wanted.script;
  };
  return locales.find(same) ?? null;
}

/** The first of a system's wishes that there is a catalogue for. */
export function bestOf(wishes: readonly string[]): Locale {
  for (const wish of wishes) {
    const found = catalogue(wish);
    if (found) return found;
  }
  return baseLocale;
}
