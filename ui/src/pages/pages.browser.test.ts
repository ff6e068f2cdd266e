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
    ['home', '#/usage', 'usage-day'],
    ['home', '#/skills', 'skill'],
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
  const log = (count: number, name: string, ago = 0) =>
    Array.from({ length: count }, (_, index) =>
      JSON.stringify({ timestamp: new Date(index * 1000 - ago).toISOString(), level: index % 100 === 0 ? 'ERROR' : 'INFO', fields: { message: `${name} ${index}` } }),
    );
  async function show(lines: Record<string, string[]>) {
    const transport = new MemoryTransport();
    transport.desktop = new MemoryDesktop();
    transport.cards = Object.keys(lines).map((name, index) => card(name, 18_789 + index * 1000));
    transport.logLines = lines;
    await renderApp(transport, '#/logs');
    return transport;
  }
  const box = () => page.getByTestId('logs').element() as HTMLElement;
  const drawn = () => box().querySelectorAll('*').length;

  it('has 100,000 lines and draws some hundred nodes, wherever one scrolls; follows, filters, and shows one whole', async () => {
    const transport = await show({ main: log(100_000, 'line') });
    await expect.element(page.getByText('line 99999', { exact: true })).toBeVisible();
    await expect.element(page.getByText('100,000 of 100,000 lines')).toBeVisible();
    expect(drawn()).toBeLessThan(700);
    for (const part of [0, 0.31, 0.77]) {
      const started = performance.now();
      box().scrollTop = box().scrollHeight * part;
      await expect.element(page.getByText(`line ${Math.floor(100_000 * part) + 4}`, { exact: true })).toBeInTheDocument();
      expect(drawn()).toBeLessThan(1_100);
      expect(performance.now() - started).toBeLessThan(1_000);
    }
    // Scrolled away, new lines come without moving what is read; at the end they are followed again.
    await expect.element(page.getByTestId('logs-follow')).not.toBeChecked();
    const top = box().scrollTop;
    transport.logLines['main'] = [...transport.logLines['main']!, JSON.stringify({ level: 'WARN', message: 'the newest' })];
    await page.getByTestId('logs-follow').click();
    await expect.element(page.getByText('the newest')).toBeVisible();
    expect(box().scrollTop).toBeGreaterThan(top);

    await page.getByTestId('logs-level').selectOptions('error');
    await page.getByTestId('logs-search').fill('99900');
    await expect.element(page.getByText('1 of 100,000 lines')).toBeVisible();
    await page.getByText('line 99900').click();
    await expect.element(page.getByTestId('logs-picked')).toHaveTextContent('"level": "ERROR"');
  });

  it('shows two gateways on one time line', async () => {
    await show({ main: log(50_000, 'main says'), rescue: log(50_000, 'rescue says', 500) });
    await page.getByText('Together').click();
    await expect.element(page.getByText('main says 49999', { exact: true })).toBeVisible();
    const told = [...box().querySelectorAll('.line .text')].slice(-4).map(({ textContent }) => textContent);
    expect(told).toEqual(['rescue says 49998', 'main says 49998', 'rescue says 49999', 'main says 49999']);
    expect(drawn()).toBeLessThan(800);
  });

  it('loads what is older from the file, once, and stays where one reads', async () => {
    const transport = await show({ main: [] });
    const text = Array.from({ length: 30_000 }, (_, index) => `{"level":"INFO","message":"old ${String(index).padStart(6, '0')}"}\n`);
    const width = text[0]!.length;
    transport.logs = async (_, cursor) => {
      const from = cursor ?? 29_000 * width;
      const to = Math.min(text.length * width, from + 512 * 1024);
      const all = text.join('').slice(from, to);
      const end = all.lastIndexOf('\n') + 1;
      return { file: 'f', start: from, cursor: from + end, size: text.length * width, lines: all.slice(0, end).split('\n').slice(0, -1) };
    };
    await expect.element(page.getByText('1,000 of 1,000 lines')).toBeVisible();
    await page.getByTestId('logs-earlier').click();
    await expect.element(page.getByTestId('logs-earlier')).not.toHaveAttribute('aria-busy');
    while (document.querySelector('[data-testid="logs-earlier"]')) {
      await page.getByTestId('logs-earlier').click();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await expect.element(page.getByText('30,000 of 30,000 lines')).toBeVisible();
    box().scrollTop = 0;
    await expect.element(page.getByText('old 000000')).toBeVisible();
  });
});

describe('a further bot', () => {
  it('is asked who it is, and goes into secrets and configuration under its own account', async () => {
    const transport = scene('home') as MemoryTransport;
    const desktop = transport.desktop as MemoryDesktop;
    await renderApp(transport, '#/channels');
    await page.getByTestId('add-bot-open').click();
    await page.getByTestId('add-bot-account').fill('default');
    await expect.element(page.getByTestId('add-bot-confirm')).toBeDisabled();
    await page.getByTestId('add-bot-account').fill('family');
    await page.getByTestId('add-bot-token').fill('777000333:AAfamilyfamilyfamilyfamilyfamilyfami');
    await page.getByTestId('add-bot-verify').click();
    await expect.element(page.getByTestId('add-bot-check')).toHaveAttribute('data-state', 'ok');
    await expectAccessible();
    await page.getByTestId('add-bot-confirm').click();
    await expect.element(page.getByTestId('said')).toHaveTextContent('family');
    expect(desktop.machined.map(({ request }) => request)).toEqual([{ kind: 'secrets-set', id: 'telegram/family/bot-token', value: '777000333:AAfamilyfamilyfamilyfamilyfamilyfami' }]);
    expect(JSON.parse(String(transport.asked.find(({ method }) => method === 'config.patch')!.params['raw']))).toEqual({
      channels: { telegram: { accounts: { family: { enabled: true, botToken: { source: 'keychain', id: 'telegram/family/bot-token' } } } } },
    });
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
    transport.asked.length = 0;
    await page.getByTestId('default-anthropic/claude-haiku-4-5').click();
    await expect.element(page.getByTestId('said')).toHaveTextContent('anthropic/claude-haiku-4-5 answers from now on.');
    // Asked for an answer first, changed after that.
    expect(transport.asked.map(({ method }) => method).filter((one) => /probe|patch/.test(one))).toEqual(['models.probe', 'config.patch']);
    const patch = transport.asked.find(({ method }) => method === 'config.patch')!.params;
    expect(patch).toEqual({ raw: '{"agents":{"defaults":{"model":{"primary":"anthropic/claude-haiku-4-5"}}}}', baseHash: 'sha256:1' });
  });

  it('makes nothing the default that does not answer, unless it is wanted anyway', async () => {
    const transport = scene('home') as MemoryTransport;
    await renderApp(transport, '#/models');
    await page.getByTestId('default-ollama/llama3.2:3b').click();
    await expect.element(page.getByTestId('said')).toHaveTextContent('was not made the default. ollama: No answer from 127.0.0.1:11434');
    expect(transport.asked.some(({ method }) => method === 'config.patch')).toBe(false);
    await page.getByTestId('said-undo').click();
    await expect.element(page.getByTestId('said')).toHaveTextContent('answers from now on');
  });

  it('orders what is asked when the default is silent', async () => {
    const transport = scene('home') as MemoryTransport;
    await renderApp(transport, '#/models');
    await page.getByTestId('models-order').click();
    await page.getByTestId('fallback-add').selectOptions('anthropic/claude-haiku-4-5');
    await page.getByTestId('fallback-up').nth(1).click();
    await expectAccessible();
    await page.getByTestId('models-fallbacks-confirm').click();
    await expect.element(page.getByTestId('said')).toHaveTextContent('The order is saved.');
    expect(transport.asked.find(({ method }) => method === 'config.patch')!.params).toEqual({
      raw: '{"agents":{"defaults":{"model":{"fallbacks":["anthropic/claude-haiku-4-5","ollama/llama3.2:3b"]}}}}',
      baseHash: 'sha256:1', replacePaths: ['agents.defaults.model.fallbacks'],
    });
  });

  it('changes a key only after a live answer, and puts it among the secrets', async () => {
    const transport = scene('home') as MemoryTransport;
    const desktop = transport.desktop as MemoryDesktop;
    await renderApp(transport, '#/models');
    await page.getByTestId('change-anthropic').click();
    await expect.element(page.getByTestId('models-change-confirm')).toBeDisabled();
    await expect.element(page.getByTestId('model-id')).toHaveValue('claude-sonnet-4-5');
    await page.getByTestId('model-api-key').fill('sk-ant-new');
    await page.getByTestId('model-test').click();
    await expect.element(page.getByTestId('model-check')).toHaveAttribute('data-state', 'ok');
    await expectAccessible();
    await page.getByTestId('model-id').fill('claude-opus-4-5');
    await expect.element(page.getByTestId('models-change-confirm')).toBeDisabled();
    await page.getByTestId('model-test').click();
    await page.getByTestId('models-change-confirm').click();
    await expect.element(page.getByTestId('said')).toHaveTextContent('anthropic is saved.');
    expect(desktop.machined.map(({ request }) => request)).toEqual([{ kind: 'secrets-set', id: 'models/anthropic/api-key', value: 'sk-ant-new' }]);
    const { raw, replacePaths } = transport.asked.find(({ method }) => method === 'config.patch')!.params;
    expect(JSON.parse(String(raw))).toEqual({
      models: { providers: { anthropic: { baseUrl: 'https://api.anthropic.com', api: 'anthropic-messages', models: [{ id: 'claude-opus-4-5' }], apiKey: { source: 'keychain', id: 'models/anthropic/api-key' } } } },
      agents: { defaults: { model: { primary: 'anthropic/claude-opus-4-5' } } },
    });
    expect(replacePaths).toEqual(['models.providers.anthropic.models']);
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

describe('usage and skills', () => {
  it('tells what was used by day, by keyboard too, and by model', async () => {
    const transport = scene('home') as MemoryTransport;
    await renderApp(transport, '#/usage');
    await expect.element(page.getByTestId('usage-totals')).toHaveTextContent(/[\d,]+ tokens/);
    expect(page.getByTestId('usage-day').elements().length).toBe(30);
    page.getByTestId('usage-day').last().element().focus();
    await userEvent.keyboard('{ArrowLeft}{Home}');
    await expect.element(page.getByTestId('usage-day').first()).toHaveFocus();
    await expect.element(page.getByTestId('usage-model').first()).toHaveTextContent('anthropic/claude-sonnet-4-5');
    await page.getByText('7 days').click();
    await expect.poll(() => page.getByTestId('usage-day').elements().length).toBe(7);
    expect(transport.asked.filter(({ method }) => method === 'usage.cost').at(-1)!.params).toEqual({ range: '7d', agentScope: 'all' });
  });

  it('is empty at first', async () => {
    await renderApp(scene('none'), '#/usage');
    await expect.element(page.getByTestId('usage-empty')).toBeVisible();
  });

  it('switches a skill, and says what another one lacks', async () => {
    const transport = scene('home') as MemoryTransport;
    await renderApp(transport, '#/skills');
    await expect.element(page.getByTestId('skill').filter({ hasText: 'spreadsheets' })).toHaveTextContent('Missing programs: xlsx2csv. Missing variables: SHEETS_TOKEN.');
    const notes = page.getByTestId('skill').filter({ hasText: 'release-notes' });
    await expect.element(notes).toHaveAttribute('data-state', 'off');
    await notes.getByRole('switch').click();
    await expect.element(notes).toHaveAttribute('data-state', 'ready');
    expect(transport.asked.find(({ method }) => method === 'skills.update')!.params).toEqual({ skillKey: 'release-notes', enabled: true });
    transport.answers['skills.update'] = () => { throw { code: 'INVALID_REQUEST', message: 'bulkhead.json cannot be written: read-only file system.' }; };
    await notes.getByRole('switch').click();
    await expect.element(page.getByTestId('skills-refused')).toHaveTextContent('read-only file system');
    await expect.element(notes.getByRole('switch')).toBeChecked();
  });
});
