/**
 * The language of the page: what the person chose, else what the system asks for. It changes in place: every text
 * reads it, so all that is on the screen follows, and nothing is loaded again.
 */
import { overwriteGetLocale } from '../paraglide/runtime.js';
import { bestOf, catalogue, locales, type Locale } from './languages';

const KEY = 'bulkhead.language';

function kept(): Locale | null {
  try {
    const found = localStorage.getItem(KEY);
    return locales.find((locale) => locale === found) ?? null;
  } catch {
    return null;
  }
}

class Language {
  /** `null`: as the system has it. */
  chosen = $state<Locale | null>(kept());
  #wishes = $state.raw<readonly string[]>(globalThis.navigator?.languages ?? []);

  constructor() {
    // Tests of what has no page run without a window.
    if (typeof window === 'undefined') return;
    window.addEventListener('languagechange', () => {
      this.#wishes = navigator.languages;
      this.#tellRoot();
    });
    this.#tellRoot();
  }

  get system(): Locale {
    return bestOf(this.#wishes);
  }

  get current(): Locale {
    return this.chosen ?? this.system;
  }

  /** For dates and numbers: the person's own region where it speaks the language of the page, "en-GB" rather than "en". */
  get region(): string {
    return this.#wishes.find((wish) => catalogue(wish) === this.current) ?? this.current;
  }

  choose(next: Locale | null): void {
    this.chosen = next;
    try {
      if (next === null) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, next);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
    this.#tellRoot();
  }

  /** Screen readers pick their voice, and the system its fonts, by this. */
  #tellRoot(): void {
    if (typeof document === 'undefined') return;
    document.documentElement.lang = this.current;
  }
}

export const language = new Language();
overwriteGetLocale(() => language.current);
