/** Pages about this computer: doctor, earlier configurations, secrets, diagnostics. Only in the app. */
import { page, userEvent } from 'vitest/browser';
import { describe, expect, it } from 'vitest';
import { demoMachine } from '../testing/demo-machine';
import { configAnswers } from '../testing/demo-config';
import { card, MemoryDesktop, MemoryTransport } from '../testing/memory-transport';
import { expectAccessible, renderApp } from '../testing/render';
import { RequestError } from '../transport/types';

async function show(hash: string, prepare: (desktop: MemoryDesktop) => void = () => undefined, scene = 'home') {
  const transport = new MemoryTransport();
  const desktop = new MemoryDesktop();
  desktop.onMachine = demoMachine(scene);
  prepare(desktop);
  transport.desktop = desktop;
  transport.cards = [card('main', 18_789), card('rescue', 19_789)];
  transport.answers = configAnswers();
  await renderApp(transport, hash);
  transport.connect('main');
  const asked = (kind: string) => desktop.machined.filter(({ request }) => request.kind === kind);
  return { transport, desktop, asked };
}

describe('doctor', () => {
  const verdict = () => page.getByTestId('doctor-verdict');

  it.each(['light', 'dark'])('has no finding of its own, %s', async (theme) => {
    document.documentElement.dataset['theme'] = theme;
    await show('#/doctor');
    await expect.element(verdict()).toHaveAttribute('data-state', 'bad');
    await expectAccessible();
    await page.getByTestId('fix-ports.taken').click();
    await expectAccessible();
    delete document.documentElement.dataset['theme'];
  });

  it('tells findings worst first, each with its reason, and repairs one: at once where it is safe', async () => {
    const { asked } = await show('#/doctor');
    await expect.element(verdict()).toHaveTextContent('Errors: 1 · warnings: 2');
    const found = [...document.querySelectorAll<HTMLElement>('[data-testid="finding"]')].map(({ dataset }) => dataset['severity']);
    expect(found).toEqual(['error', 'warning', 'warning', 'info']);
    await expect.element(page.getByText('Why it matters: Who can read it sees')).toBeVisible();
    await page.getByTestId('fix-permissions.open').click();
    await expect.element(page.getByTestId('said')).toHaveTextContent('has mode 0600 now');
    expect(asked('doctor-fix')).toEqual([{ profile: 'main', request: { kind: 'doctor-fix', code: 'permissions.open' } }]);
    await expect.element(verdict()).toHaveTextContent('Errors: 1 · warnings: 1');
  });

  it('asks before it moves something', async () => {
    const { asked } = await show('#/doctor');
    await page.getByTestId('fix-ports.taken').click();
    await expect.element(page.getByTestId('doctor-ask')).toHaveTextContent('move main to ports 18829 to 18939');
    await userEvent.keyboard('{Escape}');
    expect(asked('doctor-fix')).toEqual([]);
    await page.getByTestId('fix-ports.taken').click();
    await page.getByTestId('doctor-ask-confirm').click();
    await expect.element(page.getByTestId('said')).toHaveTextContent('main has the ports 18829');
    await expect.element(verdict()).toHaveTextContent('It works. Warnings: 2');
  });

  it('says how far it is, keeps its place, and is healthy in the end', async () => {
    const { desktop } = await show('#/doctor', () => undefined, 'none');
    await expect.element(verdict()).toHaveTextContent('Healthy. Nothing to do.');
    const top = verdict().element().getBoundingClientRect().top;
    let go = (): void => undefined;
    desktop.onMachine = async (_, tell) => {
      tell({ type: 'progress', subject: 'disk', profile: 'main', state: 'running', code: 'running', message: '' });
      tell({ type: 'progress', subject: 'clock', profile: 'main', state: 'ok', code: 'ok', message: '' });
      await new Promise<void>((resolve) => (go = resolve));
      throw new RequestError('sidecar-missing', 'The program "bulkhead" could not be started.');
    };
    await page.getByTestId('doctor-look').click();
    await expect.element(verdict()).toHaveTextContent(/^Looking: 1 of \d+$/);
    await expect.element(page.getByTestId('doctor-check-disk')).toHaveAttribute('data-state', 'running');
    expect(verdict().element().getBoundingClientRect().top).toBe(top);
    go();
    await expect.element(page.getByTestId('doctor-problem')).toHaveTextContent('could not be started');
    desktop.onMachine = demoMachine('none');
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect.element(page.getByTestId('doctor-problem')).not.toBeInTheDocument();
  });

  it('is not in a browser', async () => {
    const transport = new MemoryTransport('browser');
    transport.cards = [card('this', 18_789)];
    await renderApp(transport, '#/doctor');
    await expect.element(page.getByTestId('nav-chat')).toHaveAttribute('aria-current', 'page');
    expect(document.querySelector('[data-testid="nav-doctor"], [data-testid="nav-secrets"]')).toBeNull();
  });
});

describe('earlier configurations', () => {
  it('shows what changed since a version and goes back only at the second word', async () => {
    const { asked, transport } = await show('#/config');
    await page.getByTestId('config-history-open').click();
    await expect.element(page.getByTestId('config-history-diff')).toHaveTextContent('timeoutSeconds: 600');
    expect(asked('config-diff')[0]!.request).toEqual({ kind: 'config-diff', from: 'sha256:3f9c2a81d0ee9920' });
    await expectAccessible();
    await page.getByTestId('config-history-confirm').click();
    await expect.element(page.getByTestId('config-rollback-ask')).toBeVisible();
    expect(asked('config-rollback')).toEqual([]);
    await page.getByTestId('config-history-confirm').click();
    await expect.element(page.getByTestId('said')).toHaveTextContent('bulkhead.json.rejected-20261120T140211Z');
    expect(asked('config-rollback')).toEqual([{ profile: 'main', request: { kind: 'config-rollback', hash: 'sha256:3f9c2a81d0ee9920' } }]);
    expect(transport.asked.filter(({ method }) => method === 'config.get').length).toBeGreaterThan(1);
  });

  it('has nothing to go back to at first, and says why not later', async () => {
    const { desktop } = await show('#/config', () => undefined, 'none');
    await page.getByTestId('config-history-open').click();
    await expect.element(page.getByTestId('config-history-none')).toBeVisible();
    await expect.element(page.getByTestId('config-history-confirm')).toBeDisabled();
    await page.getByTestId('config-history-cancel').click();
    const works = demoMachine('home');
    desktop.onMachine = async (request, tell, profile) => {
      if (request.kind === 'config-rollback') throw new RequestError('config.stale', 'The file was changed meanwhile.');
      return works(request, tell, profile);
    };
    await page.getByTestId('config-history-open').click();
    await expect.element(page.getByTestId('config-history-diff')).toBeVisible();
    await page.getByTestId('config-history-confirm').click();
    await page.getByTestId('config-history-confirm').click();
    await expect.element(page.getByRole('alert').filter({ hasText: 'The file was changed meanwhile.' })).toBeVisible();
  });
});

describe('secrets', () => {
  it.each(['light', 'dark'])('has no finding, %s', async (theme) => {
    document.documentElement.dataset['theme'] = theme;
    await show('#/secrets');
    await expect.element(page.getByTestId('secret').first()).toBeVisible();
    await expectAccessible();
    await page.getByTestId('secret-add').click();
    await expectAccessible();
    delete document.documentElement.dataset['theme'];
  });

  it('replaces one without showing it, forgets what was typed, and tells why not', async () => {
    const { asked } = await show('#/secrets');
    const missing = page.getByTestId('secret').filter({ hasText: 'models/anthropic/api-key' });
    await expect.element(missing).toHaveAttribute('data-state', 'missing');
    await missing.getByTestId('secret-replace').click();
    await page.getByTestId('secret-value').fill('sk-bad');
    await page.getByTestId('secret-set-confirm').click();
    await expect.element(page.getByText('The keychain is locked. Unlock it, then try again.')).toBeVisible();
    await page.getByTestId('secret-value').fill(' sk-good ');
    await page.getByTestId('secret-set-confirm').click();
    await expect.element(page.getByTestId('said')).toHaveTextContent('models/anthropic/api-key is stored. The running gateway knows.');
    expect(asked('secrets-set').at(-1)!.request).toEqual({ kind: 'secrets-set', id: 'models/anthropic/api-key', value: 'sk-good' });
    await expect.element(missing).toHaveAttribute('data-state', 'present');
    expect(document.documentElement.outerHTML).not.toContain('sk-good');
    await missing.getByTestId('secret-replace').click();
    await expect.element(page.getByTestId('secret-value')).toHaveValue('');
  });

  it('adds one by name and deletes one after asking; what is not ours stays', async () => {
    const { asked } = await show('#/secrets');
    await page.getByTestId('secret-add').click();
    await page.getByTestId('secret-value').fill('v');
    await page.getByTestId('secret-name').fill('--all');
    await expect.element(page.getByTestId('secret-set-confirm')).toBeDisabled();
    await page.getByTestId('secret-name').fill('models/openai/api-key');
    await page.getByTestId('secret-set-confirm').click();
    await expect.element(page.getByTestId('secret').filter({ hasText: 'models/openai/api-key' })).toBeVisible();
    await page.getByRole('button', { name: 'Actions for telegram/bot-token' }).click();
    await page.getByTestId('secret-menu-delete').click();
    expect(asked('secrets-delete')).toEqual([]);
    await page.getByTestId('secret-delete-confirm').click();
    await expect.element(page.getByTestId('secret').filter({ hasText: 'telegram/bot-token' })).toHaveAttribute('data-state', 'missing');
    expect(page.getByTestId('secret').filter({ hasText: 'OPENROUTER_API_KEY' }).getByRole('button').elements()).toEqual([]);
  });

  it('has none at first', async () => {
    await show('#/secrets', () => undefined, 'none');
    await expect.element(page.getByTestId('secrets-none')).toBeVisible();
  });
});

describe('diagnostics', () => {
  it('are read before they are written where the person says', async () => {
    const { asked } = await show('#/settings');
    await page.getByTestId('settings-diagnostics').click();
    await expect.element(page.getByTestId('diagnostics-text')).toHaveTextContent('nothing was sent anywhere');
    await page.getByRole('button', { name: 'main/config.json' }).click();
    await expect.element(page.getByTestId('diagnostics-text')).toHaveTextContent('"[secret]"');
    await expectAccessible();
    await page.getByTestId('diagnostics-where').fill('/home/ada/there.tar.gz');
    await page.getByTestId('diagnostics-confirm').click();
    await expect.element(page.getByText('a bundle never replaces one')).toBeVisible();
    await page.getByTestId('diagnostics-where').fill('/home/ada/help.tar.gz');
    await page.getByTestId('diagnostics-confirm').click();
    await expect.element(page.getByTestId('said')).toHaveTextContent('Saved as /home/ada/help.tar.gz. Nothing was sent.');
    expect(asked('diagnostics-save').length).toBe(2);
  });
});
