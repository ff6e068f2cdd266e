/** The language changes in place: everything on the screen follows, nothing is lost, and it is kept. */
import { page, userEvent } from 'vitest/browser';
import { cleanup } from 'vitest-browser-svelte';
import { afterEach, describe, expect, it } from 'vitest';
import { demoTransport } from '../testing/demo';
import type { MemoryDesktop, MemoryTransport } from '../testing/memory-transport';
import { renderApp } from '../testing/render';
import { PAGES_READY } from '../testing/scenes';
import { language } from './language.svelte';
import { locales } from './languages';

const scene = (name: string) => demoTransport(new URLSearchParams({ scene: name })) as MemoryTransport;
const at = (name: string) => page.getByTestId(name);
afterEach(() => language.choose(null));

/** All that is read and all that is heard, without what the clock moves. */
function words(): string[] {
  const heard = ['aria-label', 'title', 'placeholder', 'alt'];
  const named = [...document.querySelectorAll(heard.map((name) => `[${name}]`).join())];
  return [
    document.title,
    ...document.body.innerText.split('\n'),
    ...named.flatMap((element) => heard.map((name) => element.getAttribute(name) ?? '')),
  ].map((text) => text.trim().replace(/\d+/g, '0')).filter(Boolean);
}

describe('a change of language', () => {
  it.each(PAGES_READY)('reaches all of %s %s', async (name, hash, ready) => {
    await renderApp(scene(name), hash);
    await expect.element(at(ready).first()).toBeVisible();
    if (ready === 'wizard') await expect.element(at('detection')).toHaveAttribute('data-state', 'done');
    language.choose('de');
    await settled();
    await expect.poll(async () => (await settled(), document.documentElement.lang)).toBe('de');
    const changed = words();
    await cleanup();
    await renderApp(scene(name), hash);
    await expect.element(at(ready).first()).toBeVisible();
    await expect.poll(async () => (await settled(), words())).toEqual(changed);
  });

  it('keeps what was typed, and is kept itself', async () => {
    await renderApp(scene('first'));
    await expect.element(at('detection')).toHaveAttribute('data-state', 'done');
    await at('wizard-next').click();
    await at('model-custom').click({ force: true });
    await at('model-base-url').fill('http://127.0.0.1:8080/v1');
    language.choose('ja');
    await expect.element(at('wizard-next')).toHaveTextContent('次へ');
    await expect.element(at('model-base-url')).toHaveValue('http://127.0.0.1:8080/v1');
    await at('wizard-back').click();
    await expect.element(at('language')).toHaveValue('ja');
    expect(localStorage.getItem('bulkhead.language')).toBe('ja');
  });

  it('is made in the wizard’s first step and in the settings', async () => {
    const transport = scene('home');
    await renderApp(transport, '#/settings');
    for (const locale of locales) {
      await userEvent.selectOptions(at('settings-language'), locale);
      await expect.poll(() => document.documentElement.lang).toBe(locale);
      // The app's own half follows: tray and notifications.
      await expect.poll(() => (transport.desktop as MemoryDesktop).language).toBe(locale);
    }
    await expect.element(page.getByRole('heading', { level: 1 })).toHaveTextContent('アプリ設定');
    await userEvent.selectOptions(at('settings-language'), '');
    await expect.poll(() => document.documentElement.lang).toBe('en');
    expect(localStorage.getItem('bulkhead.language')).toBe(null);
  });
});

/** Two frames: what a change set off has been drawn. */
const settled = () => new Promise<void>((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 50))));
