/** The catalogues are whole: a text that is missing, unused, or says something else with other placeholders fails here. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import settings from '../../project.inlang/settings.json';

const ui = join(import.meta.dirname, '../..');
/** Texts of the app's tray, notifications and dialogs: read by Rust, out of the same files. */
const RUST = /^(tray|notice)_/;

interface Variants {
  declarations: string[];
  selectors: string[];
  match: Record<string, string>;
}
type Catalogue = Record<string, string | [Variants]>;

const read = (locale: string): Catalogue => {
  const { $schema: _, ...texts } = JSON.parse(readFileSync(join(ui, `messages/${locale}.json`), 'utf8')) as Catalogue;
  return texts;
};
const english = read('en');
const others = settings.locales.filter((locale) => locale !== 'en');

const texts = (entry: string | [Variants]): string[] => (typeof entry === 'string' ? [entry] : Object.values(entry[0].match));
const inText = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
/** What the caller has to give. */
function inputs(entry: string | [Variants]): string[] {
  if (typeof entry === 'string') return [...new Set(inText(entry))].sort();
  return entry[0].declarations.filter((line) => line.startsWith('input ')).map((line) => line.slice(6)).sort();
}

function sources(folder: string, end: RegExp): { path: string; text: string }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => end.test(path) && !path.startsWith('paraglide'))
    .map((path) => ({ path, text: readFileSync(join(folder, path), 'utf8') }));
}

describe.each(others)('%s', (locale) => {
  const catalogue = read(locale);

  it('has every text and none of its own', () => {
    expect(Object.keys(english).filter((key) => !(key in catalogue)), 'not translated').toEqual([]);
    expect(Object.keys(catalogue).filter((key) => !(key in english)), 'not in English any more').toEqual([]);
    expect(Object.keys(catalogue).filter((key) => texts(catalogue[key]!).some((text) => !text.trim())), 'empty').toEqual([]);
  });

  it('takes the placeholders that English takes', () => {
    const differ = Object.keys(catalogue).filter((key) => key in english && inputs(catalogue[key]!).join() !== inputs(english[key]!).join());
    expect(differ).toEqual([]);
  });
});

describe.each(settings.locales)('variants in %s', (locale) => {
  it('cover every plural that the language has, and name only what is declared', () => {
    const wanted = new Intl.PluralRules(locale).resolvedOptions().pluralCategories;
    for (const [key, entry] of Object.entries(read(locale))) {
      if (typeof entry === 'string') continue;
      const [{ declarations, selectors, match }] = entry;
      const given = inputs(entry);
      for (const text of Object.values(match)) for (const name of inText(text)) expect(given, `${key}: {${name}}`).toContain(name);
      for (const selector of selectors) {
        expect(declarations.some((line) => line.startsWith(`local ${selector} = `) && line.endsWith(': plural')), `${key}: ${selector}`).toBe(true);
        const found = Object.keys(match).map((variant) => new RegExp(`${selector}=(\\w+)`).exec(variant)?.[1]);
        for (const category of wanted) expect(found, `${key}: ${selector}=${category}`).toContain(category);
      }
    }
  });
});

it('lets nothing stand alone that should agree with a number', () => {
  // "{count} entries" is wrong for one of them: such a text needs variants.
  const plain = Object.entries(english).filter(([, entry]) => typeof entry === 'string' && /\{(count|times)\} [a-z]+s\b/.test(entry));
  expect(plain.map(([key]) => key)).toEqual([]);
});

it('has no text that nothing uses', () => {
  const pages = sources(join(ui, 'src'), /(?<!\.test)\.(svelte|ts)$/).map(({ text }) => text).join('\n');
  const rust = sources(join(ui, '../src-tauri/src'), /\.rs$/).map(({ text }) => text).join('\n');
  const unused = Object.keys(english).filter((key) => !(RUST.test(key) ? new RegExp(`\\btexts::${key}\\b`).test(rust) : new RegExp(`\\bm\\.${key}\\b`).test(pages)));
  expect(unused).toEqual([]);
});

it('has no words in the markup that are in no catalogue', () => {
  /** Names and code, the same in every language. */
  const names = /\b(Bulkhead|OpenClaw|Telegram|BotFather|JSON5|URL|API|QR|ID)\b/g;
  /** Addresses, paths, tokens and codes. */
  const example = /^(\w+:\/\/|~?\/)\S*$|^[A-Z0-9:…]*\d[A-Z0-9:…]*$/;
  const found: string[] = [];
  for (const { path, text } of sources(join(ui, 'src'), /\.svelte$/)) {
    const markup = text
      .replace(/<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<!--[\s\S]*?-->|<(code|kbd)\b[\s\S]*?<\/\1>/g, '')
      .replace(/`[^`]*`/g, '``')
      .replace(/'[{}]'/g, "''");
    // Expressions, innermost first: what is left is what stands on the page as it is.
    let plain = markup;
    for (let before = ''; before !== plain; ) {
      before = plain;
      plain = plain.replace(/\{[^{}]*\}/g, '·');
    }
    const attributes = [...plain.matchAll(/\b(?:aria-label|aria-description|title|placeholder|alt|label|words)="([^"]*)"/g)].map(([, value]) => value!);
    const shown = plain.replace(/=>/g, '').replace(/<\/?[A-Za-z](?:[^<>"']|"[^"]*"|'[^']*')*>/g, '\n').split('\n');
    for (const piece of [...attributes, ...shown]) {
      if (example.test(piece.trim())) continue;
      if (/\p{L}{2,}/u.test(piece.replace(names, '').replace(/&\w+;/g, ''))) found.push(`${path}: ${piece.trim()}`);
    }
  }
  expect(found).toEqual([]);
});
