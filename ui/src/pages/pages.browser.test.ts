/** Every page in its states, light and dark, as axe sees it. */
import { page, userEvent } from 'vitest/browser';
import { afterEach, describe, expect, it } from 'vitest';
import { demoTransport } from '../testing/demo';
import { card, MemoryDesktop, MemoryTransport } from '../testing/memory-transport';
import { expectAccessible, renderApp } from '../testing/render';

const scene = (name: string) => demoTransport(new URLSearchParams({ scene: name }));
afterEach(() => {
  delete document.documentElement.dataset['theme'];
});

describe.each(['light', 'dark'])('%s', (theme) => {
  it.each([
    ['home', '#/home', 'card-rescue'],
    ['trouble', '#/home', 'card-main-problem'],
    ['home', '#/chat', 'tool-call'],
    ['empty', '#/chat', 'chat-empty'],
    ['trouble', '#/chat', 'composer'],
    ['home', '#/logs', 'logs'],
    ['home', '#/models', 'provider-anthropic'],
    ['home', '#/channels', 'pairing-request'],
    ['home', '#/sessions', 'session-row'],
    ['home', '#/schedules', 'job'],
    ['home', '#/config', 'config-text'],
    ['home', '#/devices', 'device-request'],
    ['home', '#/rescue', 'watch-strip'],
    ['incident', '#/rescue', 'remedy-rollback'],
    ['home', '#/rescue/main', 'rescue-off'],
    ['home', '#/settings', 'version'],
    ['login', '', 'login'],
    ['first', '', 'wizard'],
  ])('%s %s has no finding', async (name, hash, ready) => {
    document.documentElement.dataset['theme'] = theme;
    await renderApp(scene(name), hash);
    await expect.element(page.getByTestId(ready).first()).toBeVisible();
    await expectAccessible();
  });
});

describe('home', () => {
  it('shows a place for the cards before anything answers', async () => {
    const transport = new MemoryTransport();
    transport.desktop = new MemoryDesktop();
    transport.profiles = () => new Promise(() => undefined);
    await renderApp(transport, '#/home');
    await expect.element(page.getByLabelText('Loading…')).toBeInTheDocument();
    await expectAccessible();
  });

  it('says when the app does not answer, and tries again', async () => {
    const transport = new MemoryTransport();
    transport.desktop = new MemoryDesktop();
    let broken = true;
    transport.profiles = async () => {
      if (broken) throw { code: 'register-locked', message: 'The register is locked. Close the other Bulkhead.' };
      return [card('main', 18_789)];
    };
    await renderApp(transport, '#/home');
    await expect.element(page.getByTestId('home-problem')).toHaveTextContent('The register is locked. Close the other Bulkhead.');
    broken = false;
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect.element(page.getByTestId('card-main')).toBeVisible();
    await expect.element(page.getByTestId('home-problem')).not.toBeInTheDocument();
  });

  it('starts, stops and restarts what is its own, and nothing else', async () => {
    const transport = new MemoryTransport();
    const desktop = new MemoryDesktop();
    transport.desktop = desktop;
    transport.cards = [card('main', 18_789), card('rescue', 19_789, { state: 'stopped' }), card('theirs', 20_789, { owner: 'external' })];
    await renderApp(transport, '#/home');
    await page.getByTestId('card-main-restart').click();
    await page.getByTestId('card-rescue-start').click();
    await page.getByTestId('card-main-stop').click();
    expect(desktop.calls).toEqual(['restart main', 'start rescue', 'stop main']);
    expect(page.getByTestId('card-theirs-stop').elements()).toHaveLength(0);
  });

  it('says on the card why a start was refused', async () => {
    const transport = new MemoryTransport();
    const desktop = new MemoryDesktop();
    transport.desktop = desktop;
    transport.cards = [card('main', 18_789, { state: 'stopped' })];
    desktop.onStart = () => Promise.reject({ code: 'port-taken', message: 'Port 18789 is used by nginx (process 7). Stop it or choose another port.' });
    await renderApp(transport, '#/home');
    await page.getByTestId('card-main-start').click();
    await expect.element(page.getByTestId('card-main')).toHaveTextContent('Port 18789 is used by nginx (process 7). Stop it or choose another port.');
  });
});

describe('logs', () => {
  it('draws a few of many lines, filters, and shows one whole', async () => {
    const transport = new MemoryTransport();
    transport.desktop = new MemoryDesktop();
    transport.cards = [card('main', 18_789)];
    transport.logLines['main'] = Array.from({ length: 20_000 }, (_, index) =>
      JSON.stringify({ timestamp: new Date(index * 1000).toISOString(), level: index % 100 === 0 ? 'ERROR' : 'INFO', fields: { message: `line ${index}` } }),
    );
    await renderApp(transport, '#/logs');
    await expect.element(page.getByText('line 19999', { exact: true })).toBeVisible();
    expect(document.querySelectorAll('.line').length).toBeLessThan(120);
    await page.getByTestId('logs-level').selectOptions('error');
    await page.getByTestId('logs-search').fill('19900');
    await expect.element(page.getByText('1 of 10,000 lines')).toBeVisible();
    await page.getByText('line 19900').click();
    await expect.element(page.getByTestId('logs-picked')).toHaveTextContent('"level": "ERROR"');
  });
});

describe('pairing', () => {
  it('lets in by one click, and by a typed code that waits', async () => {
    const transport = scene('home') as MemoryTransport;
    await renderApp(transport, '#/channels');
    await page.getByTestId('pairing-code').fill('wrong123');
    await page.getByTestId('pairing-code-approve').click();
    await expect.element(page.getByText('No request with this code is waiting.')).toBeVisible();
    await page.getByTestId('pairing-code').fill('k7pm x4qd');
    await page.getByTestId('pairing-code-approve').click();
    await expect.element(page.getByText('Ada Lovelace may talk to this bot now.')).toBeVisible();
    const approved = transport.asked.filter(({ method }) => method === 'channels.pairing.approve');
    expect(approved.map(({ params }) => params)).toEqual([{ channel: 'telegram', accountId: 'default', requestId: 'r1', notify: true }]);
  });
});

describe('devices', () => {
  const asked = (transport: MemoryTransport, method: string) => transport.asked.filter((one) => one.method === method).map(({ params }) => params);

  it('answers those that wait, by keyboard too', async () => {
    const transport = scene('home') as MemoryTransport;
    await renderApp(transport, '#/devices');
    await expect.element(page.getByTestId('device-request')).toHaveTextContent('read, write');
    page.getByTestId('device-approve').element().focus();
    await userEvent.keyboard('{Enter}');
    await expect.element(page.getByTestId('device-request')).not.toBeInTheDocument();
    expect(asked(transport, 'device.pair.approve')).toEqual([{ requestId: 'd1' }]);
    await expect.element(page.getByTestId('devices-said')).toHaveTextContent("Grace's laptop is approved.");
    await page.getByTestId('node-deny').click();
    expect(asked(transport, 'node.pair.reject')).toEqual([{ requestId: 'n1' }]);
    await expect.element(page.getByTestId('devices-waiting')).not.toBeInTheDocument();
  });

  it('removes only at the second word, and revokes one role', async () => {
    const transport = scene('home') as MemoryTransport;
    await renderApp(transport, '#/devices');
    const phone = page.getByTestId('device-phone1');
    await phone.getByTestId('device-remove').click();
    expect(asked(transport, 'device.pair.remove')).toEqual([]);
    await phone.getByTestId('device-keep').click();
    await phone.getByTestId('device-remove').click();
    await phone.getByTestId('device-remove').click();
    expect(asked(transport, 'device.pair.remove')).toEqual([{ deviceId: 'phone1' }]);
    await expect.element(phone).not.toBeInTheDocument();
    await page.getByRole('button', { name: 'Revoke the operator token of Studio Mac' }).click();
    expect(asked(transport, 'device.token.revoke')).toEqual([{ deviceId: 'mac1', role: 'operator' }]);
  });

  it('shows a code until a phone has used it, and why there is none', async () => {
    const transport = scene('home') as MemoryTransport;
    await renderApp(transport, '#/devices');
    await page.getByTestId('setup-make').click();
    await expect.element(page.getByTestId('setup-problem')).toHaveTextContent('gateway.bind');
    await page.getByTestId('setup-url').fill('wss://gateway.example');
    await page.getByTestId('setup-make').click();
    await expect.element(page.getByRole('img', { name: 'Setup code for one phone' })).toBeVisible();
    await expectAccessible();
    expect(asked(transport, 'device.pair.setupCode').at(-1)).toEqual({ includeQr: false, publicUrl: 'wss://gateway.example', bootstrapProfile: 'limited' });
    transport.emit('main', 'device.pair.setup.completed', { setupId: 's1', deviceId: 'x', deviceName: 'Ada’s phone', access: 'limited', ts: 1 });
    await expect.element(page.getByTestId('setup-arrived')).toHaveTextContent('Ada’s phone is connected.');
    await expect.element(page.getByTestId('setup-code')).not.toBeInTheDocument();
  });
});

describe('models', () => {
  it('tests a provider live and makes another model the default', async () => {
    const transport = scene('home') as MemoryTransport;
    await renderApp(transport, '#/models');
    await page.getByTestId('probe-anthropic').click();
    await expect.element(page.getByTestId('probe-anthropic-result')).toHaveAttribute('data-state', 'ok');
    await page.getByTestId('probe-ollama').click();
    await expect.element(page.getByTestId('probe-ollama-result')).toHaveTextContent('No answer from 127.0.0.1:11434');
    await page.getByTestId('default-anthropic/claude-haiku-4-5').click();
    const patch = transport.asked.find(({ method }) => method === 'config.patch')!.params;
    expect(patch).toEqual({ raw: '{"agents":{"defaults":{"model":{"primary":"anthropic/claude-haiku-4-5"}}}}', baseHash: 'sha256:1' });
  });

  it('keeps the answer of a test when the profiles are looked at again', async () => {
    const transport = scene('home') as MemoryTransport;
    await renderApp(transport, '#/models');
    const answer = transport.answers['models.probe']!;
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    transport.answers['models.probe'] = async (params, profile) => {
      await held;
      return answer(params, profile);
    };
    await page.getByTestId('probe-anthropic').click();
    await expect.element(page.getByTestId('probe-anthropic-result')).toHaveAttribute('data-state', 'running');
    transport.show([...transport.cards]);
    go();
    await expect.element(page.getByTestId('probe-anthropic-result')).toHaveAttribute('data-state', 'ok');
    transport.show([...transport.cards]);
    await expect.element(page.getByTestId('probe-anthropic-result')).toHaveAttribute('data-state', 'ok');
  });
});

describe('the keyboard', () => {
  it('reaches the page past the navigation', async () => {
    await renderApp(scene('home'), '#/home');
    await expect.element(page.getByTestId('card-main')).toBeVisible();
    await userEvent.tab();
    expect(document.activeElement?.textContent).toBe('Skip to the page');
    await userEvent.keyboard('{Enter}');
    expect(document.activeElement?.id).toBe('page');
  });
});
