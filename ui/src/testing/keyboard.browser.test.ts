/** All of it without a mouse. */
import { page, userEvent } from 'vitest/browser';
import { afterEach, describe, expect, it } from 'vitest';
import { language } from '../i18n/language.svelte';
import { demoTransport } from './demo';
import { focused, pick, press, reach, type } from './keyboard';
import type { MemoryDesktop, MemoryTransport } from './memory-transport';
import { renderApp } from './render';

const scene = (name: string) => demoTransport(new URLSearchParams({ scene: name })) as MemoryTransport;
const at = (name: string) => page.getByTestId(name);
const key = (keys: string) => userEvent.keyboard(keys);
const inside = (testid: string) => page.getByTestId(testid).element().contains(focused());
afterEach(() => language.choose(null));

describe('the set-up', () => {
  it('leads from the first page to two gateways that run', async () => {
    const transport = scene('first');
    await renderApp(transport);
    await expect.element(at('detection')).toHaveAttribute('data-state', 'done');
    await press('wizard-next');

    await expect.element(at('wizard')).toHaveAttribute('data-page', 'model');
    // A step begins at its title, so that it is read.
    expect(focused().tagName).toBe('H1');
    await pick('model-custom');
    await type('model-base-url', 'http://127.0.0.1:8080/v1');
    await type('model-id', 'fake-1');
    await press('model-test');
    await expect.element(at('model-check')).toHaveAttribute('data-state', 'ok');
    await press('wizard-next');

    await expect.element(at('wizard')).toHaveAttribute('data-page', 'main');
    await press('wizard-next');
    await expect.element(at('wizard')).toHaveAttribute('data-page', 'main-bot');
    await pick('main-bot-use');
    await type('main-bot-token', '777000111:AAmainmainmainmainmainmainmainmainma');
    // What was verified while it was still being typed does not count.
    await press('main-bot-verify');
    await expect.element(at('main-bot-check')).toHaveAttribute('data-state', 'ok');
    await press('wizard-next');

    await expect.element(at('wizard')).toHaveAttribute('data-page', 'rescue');
    await type('port-rescue', '20001');
    await expect.element(at('port-rescue-verdict')).toHaveAttribute('data-fit', 'free');
    await press('wizard-next');
    await expect.element(at('wizard')).toHaveAttribute('data-page', 'rescue-bot');
    await pick('rescue-bot-skip');
    await press('wizard-next');

    await expect.element(at('keychain-check')).toHaveAttribute('data-state', 'ok');
    await press('wizard-next');
    await expect.element(at('isolation-check')).toHaveAttribute('data-state', 'ok');
    await press('wizard-create');

    await expect.element(at('running-main')).toHaveAttribute('data-state', 'running');
    await expect.element(at('running-rescue')).toHaveAttribute('data-state', 'running');
    // Said without being looked for.
    await expect.element(at('running-rescue').getByRole('status')).toHaveTextContent(/^rescue:\s*Running$/);
    await press('pairing-approve');
    await expect.element(at('pairing-approved').first()).toBeVisible();
    await press('wizard-finish');
    await expect.element(at('card-main')).toBeVisible();
    expect((transport.desktop as MemoryDesktop).calls.sort()).toEqual(['start main', 'start rescue']);
  });

  it('changes its language and goes back', async () => {
    await renderApp(scene('first'));
    await expect.element(at('detection')).toHaveAttribute('data-state', 'done');
    await reach('language');
    await key('Deu');
    await key('{Enter}');
    await expect.poll(() => document.documentElement.lang).toBe('de');
    await press('wizard-next');
    await press('wizard-back');
    await expect.element(at('wizard')).toHaveAttribute('data-page', 'welcome');
    await expect.element(page.getByRole('heading', { level: 1 })).toHaveTextContent('Zwei Gateways');
  });
});

describe('a menu', () => {
  it('opens, is walked through by arrows, closes by Escape and gives the focus back', async () => {
    await renderApp(scene('home'), '#/sessions');
    await expect.element(at('session-row').first()).toBeVisible();
    const button = page.getByRole('button', { name: /^Actions for/ }).first().element() as HTMLElement;
    button.focus();
    await key('{ArrowDown}');
    await expect.element(page.getByRole('menu')).toBeVisible();
    const items = page.getByRole('menuitem').elements();
    expect(focused()).toBe(items[0]);
    await key('{ArrowDown}');
    expect(focused()).toBe(items[1]);
    await key('{End}');
    expect(focused()).toBe(items.at(-1));
    await key('{ArrowDown}');
    expect(focused()).toBe(items[0]);
    await key('{Escape}');
    await expect.element(page.getByRole('menu')).not.toBeInTheDocument();
    expect(focused()).toBe(button);
    // And by Tab it leaves nothing behind.
    await key('{Enter}');
    await key('{Tab}');
    await expect.element(page.getByRole('menu')).not.toBeInTheDocument();
  });
});

describe('a dialog', () => {
  it('keeps the focus, closes by Escape and gives it back', async () => {
    await renderApp(scene('home'), '#/schedules');
    await expect.element(at('job').first()).toBeVisible();
    await press('job-add');
    await expect.element(page.getByRole('dialog')).toBeVisible();
    const opened = page.getByRole('dialog').element();
    for (let stop = 0; stop < 40; stop += 1) {
      await key('{Tab}');
      // Between its end and its beginning the browser's own controls are.
      if (focused() !== document.body) expect(opened.contains(focused()), focused().outerHTML.slice(0, 100)).toBe(true);
    }
    await key('{Escape}');
    await expect.element(page.getByRole('dialog')).not.toBeInTheDocument();
    expect(focused().dataset['testid']).toBe('job-add');
  });

  it('is sent by Enter, and the drill’s too gives the focus back', async () => {
    await renderApp(scene('home'), '#/rescue');
    await expect.element(at('watch-strip')).toBeVisible();
    await press('drill-open');
    await expect.element(page.getByRole('dialog')).toBeVisible();
    await key('{Escape}');
    await expect.element(page.getByRole('dialog')).not.toBeInTheDocument();
    expect(focused().dataset['testid']).toBe('drill-open');
  });
});

describe('tables, lists and pictures', () => {
  it('a table has heads that name its cells, and every row its own controls', async () => {
    await renderApp(scene('home'), '#/sessions');
    await expect.element(at('session-row').first()).toBeVisible();
    const table = page.getByRole('table').first().element();
    expect(table.querySelectorAll('thead th').length).toBeGreaterThan(3);
    for (const row of table.querySelectorAll('tbody tr')) {
      expect(row.querySelector('th[scope="row"]')).not.toBeNull();
      for (const control of row.querySelectorAll('button, a')) expect((control.getAttribute('aria-label') ?? control.textContent).trim()).not.toBe('');
    }
  });

  it('lines of a log are one stop, and arrows walk along them', async () => {
    await renderApp(scene('home'), '#/logs');
    await expect.element(at('logs').getByRole('button').first()).toBeVisible();
    await reach('logs-clear');
    await key('{Tab}');
    expect(inside('logs')).toBe(true);
    await key('{ArrowDown}{ArrowDown}{Enter}');
    await expect.poll(() => document.querySelector('[aria-pressed="true"]')).not.toBeNull();
  });

  it('the marks of the watch strip explain themselves on focus', async () => {
    await renderApp(scene('incident'), '#/rescue');
    await expect.element(at('watch-mark').first()).toBeInTheDocument();
    const mark = page.getByTestId('watch-mark').first().element() as HTMLElement;
    mark.focus();
    await expect.element(at('watch-strip')).toHaveTextContent(mark.getAttribute('aria-label')!.split(': ').at(-1)!);
    await key('{End}');
    expect(focused()).toBe(page.getByTestId('watch-mark').elements().at(-1));
  });

  it('choices beside each other are one stop', async () => {
    await renderApp(scene('home'), '#/settings');
    await expect.element(at('version')).toBeVisible();
    await pick('theme-dark');
    await expect.poll(() => document.documentElement.dataset['theme']).toBe('dark');
    await key('{ArrowLeft}{ArrowLeft}');
    await expect.poll(() => document.documentElement.dataset['theme']).toBe(undefined);
  });
});

describe('the navigation', () => {
  it('leads to every page, and each page has one heading of the first order', async () => {
    await renderApp(scene('home'), '#/home');
    for (const name of ['chat', 'sessions', 'schedules', 'approvals', 'models', 'channels', 'devices', 'skills', 'secrets', 'config', 'logs', 'usage', 'doctor', 'rescue', 'settings', 'doctor', 'secrets', 'usage', 'skills', 'canvas']) {
      await press(`nav-${name}`);
      await expect.element(at(`nav-${name}`)).toHaveAttribute('aria-current', 'page');
      await expect.poll(() => document.querySelectorAll('h1').length, { message: name, timeout: 5_000 }).toBe(1);
    }
  });
});
