/** Every page for everyone: both themes, the longest language, text of twice the size, and what a system asks for. */
import { cdp, page } from 'vitest/browser';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { language } from '../i18n/language.svelte';
import { demoTransport } from './demo';
import { expectAccessible, expectWhole, renderApp } from './render';
import { PAGES_READY } from './scenes';

const root = document.documentElement;
const scene = (name: string) => demoTransport(new URLSearchParams({ scene: name }));
beforeEach(() => page.viewport(1024, 700));
afterEach(async () => {
  delete root.dataset['theme'];
  root.style.fontSize = '';
  language.choose(null);
  await page.viewport(1100, 760);
});

async function open(name: string, hash: string, ready: string) {
  await renderApp(scene(name), hash);
  await expect.element(page.getByTestId(ready).first()).toBeVisible();
  if (ready === 'wizard') await expect.element(page.getByTestId('detection')).toHaveAttribute('data-state', 'done');
}

describe.each(['light', 'dark'])('%s', (theme) => {
  it.each(PAGES_READY)('%s %s has no finding in German either, and all of it fits', async (name, hash, ready) => {
    root.dataset['theme'] = theme;
    language.choose('de');
    await open(name, hash, ready);
    await expectAccessible();
    expectWhole();
  });
});

describe('text of twice the size', () => {
  it.each(PAGES_READY)('%s %s loses nothing', async (name, hash, ready) => {
    root.style.fontSize = '200%';
    language.choose('de');
    await open(name, hash, ready);
    expectWhole();
  });
});

/** As a system asks for it: the browser is told, the page sees its media features. */
async function asks(feature: string, value: string) {
  await cdp().send('Emulation.setEmulatedMedia', { features: [{ name: feature, value }] });
}
const all = () => [...document.body.querySelectorAll<HTMLElement>('*')];

describe('what the system asks for', () => {
  afterEach(() => asks('', ''));

  it('less motion: nothing moves', async () => {
    await asks('prefers-reduced-motion', 'reduce');
    await open('trouble', '#/home', 'card-main-problem');
    const moving = all().filter((element) => {
      const { animationName, transitionDuration } = getComputedStyle(element);
      return animationName !== 'none' || parseFloat(transitionDuration) > 0;
    });
    expect(moving.map(({ outerHTML }) => outerHTML.slice(0, 80))).toEqual([]);
  });

  it.each(['light', 'dark'])('more contrast: words and edges of full ink, %s', async (theme) => {
    root.dataset['theme'] = theme;
    await asks('prefers-contrast', 'more');
    await open('home', '#/settings', 'version');
    const ink = getComputedStyle(document.body).color;
    const pale = all().filter((element) => element.matches('.soft, .faint, .small') && getComputedStyle(element).color !== ink);
    expect(pale.map(({ outerHTML }) => outerHTML.slice(0, 80))).toEqual([]);
    expect(getComputedStyle(document.querySelector('.card')!).borderColor).toBe(ink);
  });

  it('its own few colours: what is chosen can still be told', async () => {
    await asks('forced-colors', 'active');
    await open('home', '#/settings', 'version');
    const back = (selector: string) => getComputedStyle(document.querySelector(selector)!).backgroundColor;
    expect(back('nav a[aria-current]')).not.toBe(back('nav a:not([aria-current])'));
    expect(back('[data-testid="theme"] label:has(:checked)')).not.toBe(back('[data-testid="theme"] label:has(:not(:checked))'));
    await expectAccessible();
  });
});
