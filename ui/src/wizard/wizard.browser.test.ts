import { page, userEvent } from 'vitest/browser';
import { describe, expect, it } from 'vitest';
import type { SetupRequest } from '../bindings/commands';
import { demoTransport } from '../testing/demo';
import { card, created, MemoryDesktop, MemoryTransport, NOTHING, progress, result } from '../testing/memory-transport';
import { expectAccessible, renderApp } from '../testing/render';

const MAIN_TOKEN = '777000111:AAmainmainmainmainmainmainmainmainma';
const RESCUE_TOKEN = '777000222:AArescuerescuerescuerescuerescueres';


function machine() {
  const transport = new MemoryTransport();
  const desktop = new MemoryDesktop();
  transport.desktop = desktop;
  desktop.onSetup = async ({ action }) => (action === 'detect' ? result({ detection: NOTHING }) : result());
  return { transport, desktop };
}

const at = (name: string) => page.getByTestId(name);
const next = () => at('wizard-next').click();

describe('the whole way', () => {
  it('from nothing to two gateways, accessible on every page', async () => {
    const transport = demoTransport(new URLSearchParams({ scene: 'first' })) as MemoryTransport;
    const desktop = transport.desktop as MemoryDesktop;
    await renderApp(transport);
    await expect.element(at('detection')).toHaveAttribute('data-state', 'done');
    await expectAccessible();
    await next();

    await expect.element(at('wizard-next')).toBeDisabled();
    await at('model-custom').click({ force: true });
    await at('model-base-url').fill('http://127.0.0.1:8080/v1');
    await at('model-id').fill('fake-1');
    await at('model-test').click();
    await expect.element(at('model-check')).toHaveTextContent('fake-1 answers.');
    await expect.element(at('model-check')).toHaveTextContent('412 ms');
    await expectAccessible();
    await next();

    await expectAccessible();
    await next();

    await at('main-bot-use').click({ force: true });
    await at('main-bot-token').fill(MAIN_TOKEN);
    await expect.element(at('main-bot-check')).toHaveTextContent('This is @ada_main_bot.');
    await expectAccessible();
    await next();

    await expect.element(at('port-rescue-verdict')).toHaveAttribute('data-fit', 'free');
    await expectAccessible();
    await next();

    await at('rescue-bot-use').click({ force: true });
    await at('rescue-bot-token').fill(RESCUE_TOKEN);
    await expect.element(at('rescue-bot-check')).toHaveTextContent('This is @ada_rescue_bot.');
    await next();

    await expect.element(at('keychain-check')).toHaveAttribute('data-state', 'ok');
    await expectAccessible();
    await next();

    await expect.element(at('isolation-check')).toHaveTextContent('Nothing is shared.');
    await expect.element(at('isolation')).toHaveTextContent('/home/ada/.bulkhead-rescue/bulkhead.json');
    await expectAccessible();
    expect(JSON.stringify(desktop.saved)).not.toContain('AAmain');
    await at('wizard-create').click();

    await expect.element(at('running-main')).toHaveAttribute('data-state', 'running');
    await expect.element(at('running-rescue')).toHaveAttribute('data-state', 'running');
    await expect.element(at('hello-main')).toHaveTextContent('@ada_main_bot');
    await at('pairing-approve').first().click();
    await expect.element(at('pairing-approved').first()).toBeVisible();
    await expectAccessible();

    const create = desktop.requests.filter(({ action }) => action === 'create');
    expect(create).toHaveLength(1);
    expect(create[0]!.plan).toEqual({
      secrets: 'keychain',
      model: { provider: 'custom', api: 'openai', baseUrl: 'http://127.0.0.1:8080/v1', modelId: 'fake-1', apiKey: null },
      profiles: [
        { name: 'main', port: 18_789, bind: 'loopback', workspace: null, gatewayToken: null, owner: 'desktop', proxy: null, telegram: { botToken: MAIN_TOKEN, apiRoot: null } },
        { name: 'rescue', port: 19_789, bind: 'loopback', workspace: null, gatewayToken: null, owner: 'desktop', proxy: null, telegram: { botToken: RESCUE_TOKEN, apiRoot: null } },
      ],
    });
    expect(desktop.login).toBe(true);
    expect(desktop.calls.sort()).toEqual(['start main', 'start rescue']);
    expect(desktop.draft).toBeNull();
    await at('wizard-finish').click();
    await expect.element(at('card-main')).toBeVisible();
  });
});

describe('a further profile', () => {
  it('gets a name of its own and leaves what is there as it is', async () => {
    const { transport, desktop } = machine();
    const there = (name: string, port: number) => created(name, port);
    desktop.onSetup = async ({ action }) =>
      action === 'detect' ? result({ detection: { ...NOTHING, profiles: [there('main', 18_789), there('rescue', 19_789)], services: { available: true, reason: null, linger: true } } }) : result();
    transport.cards = [card('main', 18_789), card('rescue', 19_789)];
    await renderApp(transport, '#/setup');
    await expect.element(at('found-services')).toBeVisible();
    await next();
    await at('wizard-skip').click();
    await expect.element(at('main-name')).toHaveValue('second');
    await at('main-name').fill('main');
    await expect.element(at('wizard-next')).toBeDisabled();
    await at('main-name').fill('work');
    await next();
    await at('main-bot-skip').click({ force: true });
    await next();
    await expect.element(at('rescue-use')).not.toBeChecked();
    await next();
    await expect.element(at('keychain-check')).toHaveAttribute('data-state', 'ok');
    await next();
    await expect.element(at('isolation-check')).toHaveAttribute('data-state', 'ok');
    await at('owner-work-service').click({ force: true });
    await expectAccessible();
    await at('wizard-create').click();
    await expect.poll(() => desktop.requests.find(({ action }) => action === 'create')?.plan?.profiles.map(({ name, owner }) => [name, owner])).toEqual([['work', 'service']]);
    const ports = desktop.requests.find(({ action }) => action === 'create')!.plan!.profiles.map(({ port }) => port);
    expect(ports).toHaveLength(1);
    expect([18_789, 19_789]).not.toContain(ports[0]);
  });
});

describe('from launch to two gateways', () => {
  it('takes at most twelve decisions', async () => {
    const transport = demoTransport(new URLSearchParams({ scene: 'first' })) as MemoryTransport;
    await renderApp(transport);
    await expect.element(at('detection')).toHaveAttribute('data-state', 'done');
    let decisions = 0;
    const decide = async (name: string) => {
      decisions += 1;
      await at(name).click({ force: true });
    };
    // What was found answers at once; every other page is right as it stands.
    await decide('wizard-next');
    await decide('model-detected-0');
    await expect.element(at('model-check')).toHaveAttribute('data-state', 'ok');
    await decide('wizard-next');
    await decide('wizard-next');
    await decide('main-bot-skip');
    await decide('wizard-next');
    await decide('wizard-next');
    await decide('rescue-bot-skip');
    await decide('wizard-next');
    await expect.element(at('keychain-check')).toHaveAttribute('data-state', 'ok');
    await decide('wizard-next');
    await expect.element(at('isolation-check')).toHaveAttribute('data-state', 'ok');
    await decide('wizard-create');
    await expect.element(at('running-main')).toHaveAttribute('data-state', 'running');
    await expect.element(at('running-rescue')).toHaveAttribute('data-state', 'running');
    expect(decisions).toBeLessThanOrEqual(12);
  });
});

describe('going back', () => {
  it('always works and keeps what was answered', async () => {
    const { transport } = machine();
    await renderApp(transport);
    await next();
    await at('wizard-skip').click();
    await at('main-workspace').fill('/home/ada/work');
    await next();
    await at('main-bot-skip').click({ force: true });
    await next();
    for (const expected of ['main-bot', 'main', 'model', 'welcome']) {
      await at('wizard-back').click();
      await expect.element(at('wizard')).toHaveAttribute('data-page', expected);
    }
    await expect.element(at('wizard-back')).toBeDisabled();
    await next();
    await next();
    await expect.element(at('main-workspace')).toHaveValue('/home/ada/work');
  });
});

describe('a draft', () => {
  it('brings one back, without secrets, and can be thrown away', async () => {
    const { transport, desktop } = machine();
    const { draftOf, fresh } = await import('./plan');
    const answers = fresh();
    answers.model.choice = 'skip';
    answers.main.bot.use = false;
    answers.rescue.port = 21_000;
    desktop.draft = JSON.parse(JSON.stringify(draftOf('rescue', answers)));
    await renderApp(transport);
    await expect.element(at('wizard')).toHaveAttribute('data-page', 'rescue');
    await expect.element(at('port-rescue')).toHaveValue('21000');
    await at('wizard-start-over').click();
    await expect.element(at('wizard')).toHaveAttribute('data-page', 'welcome');
    await expect.poll(() => desktop.draft).toBeNull();
  });
});

describe('an OpenClaw on this computer', () => {
  const install = { profile: null, stateDir: '/home/ada/.openclaw', port: 18_789, version: '2026.9.6', bots: 1, running: true };

  function beside() {
    const { transport, desktop } = machine();
    desktop.onSetup = async ({ action, plan }, tell) => {
      if (action === 'detect') return result({ detection: { ...NOTHING, openclaw: [install] } });
      if (action === 'create') return result();
      tell(progress({ step: 'ports', state: 'ok' }));
      tell(progress({ step: 'keychain', state: 'ok' }));
      const report = [
        { area: 'config' as const, item: 'gateway.bind', result: 'taken' as const, detail: 'As it is.' },
        { area: 'secrets' as const, item: 'channels.telegram.botToken', result: 'changed' as const, detail: 'To the keychain.' },
        { area: 'channels' as const, item: 'channels.discord', result: 'skipped' as const, detail: 'Stays.', nextStep: 'keep OpenClaw for it' },
      ];
      return result(plan?.import ? { report } : {});
    };
    return { transport, desktop };
  }

  async function toMain() {
    await next();
    await at('wizard-skip').click();
    await expect.element(at('wizard')).toHaveAttribute('data-page', 'main');
  }

  async function throughRescue() {
    await at('rescue-bot-skip').click({ force: true });
    await next();
    await expect.element(at('keychain-check')).toHaveAttribute('data-state', 'ok');
    await next();
    await expect.element(at('wizard-create')).toBeEnabled();
    await at('wizard-create').click();
  }

  it('stays main, and only the one that watches it is made', async () => {
    const { transport, desktop } = beside();
    await renderApp(transport);
    await toMain();
    await at('main-attach-18789').click({ force: true });
    await expectAccessible();
    await next();
    await expect.element(at('wizard')).toHaveAttribute('data-page', 'rescue');
    await expect.element(at('rescue-use')).toBeDisabled();
    await next();
    await throughRescue();
    await expect.poll(() => desktop.requests.find(({ action }) => action === 'create')?.plan).toMatchObject({
      main: { kind: 'openclaw', from: '/home/ada/.openclaw' },
      profiles: [{ name: 'rescue' }],
    });
  });

  it('is imported, after its report was shown', async () => {
    const { transport, desktop } = beside();
    await renderApp(transport);
    await toMain();
    await at('main-import-18789').click({ force: true });
    await expect.element(at('import-check')).toHaveTextContent('1 taken, 1 changed, 1 left behind.');
    await page.getByText('Part by part').click();
    await expect.element(at('import-report')).toHaveTextContent('keep OpenClaw for it');
    await expectAccessible();
    await next();
    await next();
    await throughRescue();
    await expect.poll(() => desktop.requests.find(({ action }) => action === 'create')?.plan).toMatchObject({
      import: { kind: 'openclaw', from: '/home/ada/.openclaw' },
      profiles: [{ name: 'main', telegram: null }, { name: 'rescue' }],
    });
  });

  it('that cannot be imported keeps Next shut and says why', async () => {
    const { transport, desktop } = beside();
    const setup = desktop.onSetup;
    desktop.onSetup = async (request, tell) => {
      if (request.action !== 'check') return setup(request, tell);
      return result({ ok: false, findings: [{ code: 'import-profile-exists', severity: 'error', profiles: ['main'], what: 'profile main', found: 'it is set up already', expected: 'a new one', nextStep: 'name another' }] });
    };
    await renderApp(transport);
    await toMain();
    await at('main-import-18789').click({ force: true });
    await expect.element(at('import-check')).toHaveTextContent('it is set up already');
    await expect.element(at('wizard-next')).toBeDisabled();
  });
});

describe('a live check', () => {
  const failing = (message: string) => async ({ action, checks }: SetupRequest, tell: (line: ReturnType<typeof progress>) => void) => {
    if (action === 'detect') return result({ detection: NOTHING });
    tell(progress({ step: checks[0]!, state: 'failed', code: 'model.refused', message }));
    return result({ ok: false });
  };

  it('says why it failed and keeps Next shut, but lets one skip', async () => {
    const { transport, desktop } = machine();
    desktop.onSetup = failing('401 from api.example: the key was refused. Check it.');
    await renderApp(transport);
    await next();
    await at('model-key').click({ force: true });
    await at('model-api-key').fill('sk-wrong');
    await at('model-test').click();
    await expect.element(at('model-check')).toHaveTextContent('401 from api.example: the key was refused.');
    await expect.element(at('wizard-next')).toBeDisabled();
    await at('wizard-skip').click();
    await expect.element(at('wizard')).toHaveAttribute('data-page', 'main');
  });

  it('is stale after an edit', async () => {
    const { transport, desktop } = machine();
    desktop.onSetup = async ({ action }, tell) => {
      if (action === 'detect') return result({ detection: NOTHING });
      tell(progress({ step: 'model', state: 'ok', detail: { latencyMs: 5, model: 'm' } }));
      return result();
    };
    await renderApp(transport);
    await next();
    await at('model-custom').click({ force: true });
    await at('model-base-url').fill('http://127.0.0.1:1');
    await at('model-id').fill('m');
    await at('model-test').click();
    await expect.element(at('wizard-next')).toBeEnabled();
    await at('model-id').fill('n');
    await expect.element(at('wizard-next')).toBeDisabled();
    await expect.element(page.getByText('Changed since the last test.')).toBeVisible();
  });

  it('of the wizard refuses one bot twice without asking anybody', async () => {
    const { transport, desktop } = machine();
    desktop.onSetup = async ({ action }, tell) => {
      if (action === 'detect') return result({ detection: NOTHING });
      tell(progress({ step: 'telegram', state: 'ok', profile: 'main', detail: { bot: { username: 'one_bot' } } }));
      return result();
    };
    await renderApp(transport);
    await next();
    await at('wizard-skip').click();
    await next();
    await at('main-bot-use').click({ force: true });
    await at('main-bot-token').fill(MAIN_TOKEN);
    await expect.element(at('main-bot-check')).toHaveTextContent('@one_bot');
    await next();
    await next();
    await at('rescue-bot-use').click({ force: true });
    await at('rescue-bot-token').fill(MAIN_TOKEN);
    await expect.element(page.getByText("This is main's bot.")).toBeVisible();
    await expect.element(at('rescue-bot-verify')).toBeDisabled();
    await expect.element(at('wizard-next')).toBeDisabled();
  });
});

describe('the port map', () => {
  async function ports() {
    const { transport, desktop } = machine();
    await renderApp(transport);
    await next();
    await at('wizard-skip').click();
    await next();
    await at('main-bot-skip').click({ force: true });
    await next();
    await expect.element(at('port-map')).toBeVisible();
    return desktop;
  }

  it('judges what is typed at once', async () => {
    await ports();
    await at('port-rescue').fill('18805');
    await expect.element(at('port-rescue-verdict')).toHaveTextContent('Too close: only 16 ports from main.');
    await expect.element(at('wizard-next')).toBeDisabled();
    await at('port-rescue').fill('18820');
    await expect.element(at('port-rescue-verdict')).toHaveTextContent('80 ports (18820–18899) overlap with main');
    await expect.element(at('wizard-next')).toBeEnabled();
    await at('port-rescue-suggest').click();
    await expect.element(at('port-rescue')).toHaveValue('19789');
  });

  it('moves by keys and by dragging', async () => {
    await ports();
    const handle = document.querySelector<SVGGElement>('[data-testid="port-handle-rescue"]')!;
    handle.focus();
    await userEvent.keyboard('{ArrowRight}{ArrowRight}{PageUp}');
    await expect.element(at('port-rescue')).toHaveValue('19891');
    expect(handle.getAttribute('aria-valuenow')).toBe('19891');
    const bar = handle.querySelector('.bar')!.getBoundingClientRect();
    const where = { clientX: bar.x + bar.width / 2, clientY: bar.y + 4, pointerId: 1, bubbles: true, button: 0 };
    handle.setPointerCapture = () => undefined;
    handle.dispatchEvent(new PointerEvent('pointerdown', where));
    handle.dispatchEvent(new PointerEvent('pointermove', { ...where, clientX: where.clientX - 100 }));
    handle.dispatchEvent(new PointerEvent('pointerup', where));
    await expect.poll(() => Number((document.querySelector('[data-testid="port-rescue"]') as HTMLInputElement).value)).toBeLessThan(19_891);
  });
});

describe('creating', () => {
  async function toReview(desktop: MemoryDesktop, transport: MemoryTransport) {
    const { draftOf, fresh } = await import('./plan');
    const answers = fresh();
    answers.model.choice = 'skip';
    answers.main.bot.use = false;
    answers.rescue.bot.use = false;
    answers.secrets = 'file';
    desktop.draft = JSON.parse(JSON.stringify(draftOf('review', answers)));
    await renderApp(transport);
    await expect.element(at('wizard-create')).toBeEnabled();
  }

  it('that fails says why, starts nothing, and can be tried again or changed', async () => {
    const { transport, desktop } = machine();
    let broken = true;
    desktop.onSetup = async ({ action }, tell) => {
      if (action === 'detect') return result({ detection: NOTHING });
      if (action === 'check') return result();
      if (broken) {
        tell(progress({ step: 'config', state: 'failed', profile: 'main', message: 'not writable' }));
        return result({ ok: false, findings: [{ code: 'config.write', severity: 'error', profiles: ['main'], what: 'the folder ~/.bulkhead', found: 'not writable', expected: 'a folder of yours', nextStep: 'make it writable' }] });
      }
      return result({ profiles: [] });
    };
    await toReview(desktop, transport);
    await at('wizard-create').click();
    await expect.element(at('create-problem')).toHaveTextContent('The folder ~/.bulkhead: not writable; expected a folder of yours; make it writable.');
    expect(desktop.calls).toEqual([]);
    expect(desktop.draft).not.toBeNull();
    await at('create-back').click();
    await expect.element(at('wizard')).toHaveAttribute('data-page', 'review');
    broken = false;
    await at('wizard-create').click();
    await expect.element(at('wizard-finish')).toBeEnabled();
  });

  it('stays on its page when the profiles appear', async () => {
    const { transport, desktop } = machine();
    await toReview(desktop, transport);
    await at('wizard-create').click();
    transport.show([card('main', 18_789), card('rescue', 19_789)]);
    await expect.element(at('running-main')).toBeVisible();
    await expect.element(at('running-rescue')).toHaveAttribute('data-state', 'running');
  });
});

describe('credentials', () => {
  it('say what to do when the keychain is locked, and let one choose a file', async () => {
    const { transport, desktop } = machine();
    const { draftOf, fresh } = await import('./plan');
    const answers = fresh();
    answers.model.choice = 'skip';
    answers.main.bot.use = false;
    answers.rescue.bot.use = false;
    desktop.draft = JSON.parse(JSON.stringify(draftOf('credentials', answers)));
    desktop.onSetup = async ({ action, plan }, tell) => {
      if (action === 'detect') return result({ detection: NOTHING });
      if (plan?.secrets !== 'keychain') return result();
      tell(progress({ step: 'keychain', state: 'failed', code: 'keychain.locked', message: 'the keychain is locked.' }));
      return result({ ok: false });
    };
    await renderApp(transport);
    await expect.element(at('keychain-check')).toHaveTextContent('The keychain is locked.');
    await expect.element(page.getByText('Unlock it (logging in to the desktop usually does)')).toBeVisible();
    await expect.element(at('wizard-next')).toBeDisabled();
    await at('secrets-file').click({ force: true });
    await expect.element(at('wizard-next')).toBeEnabled();
  });
});
