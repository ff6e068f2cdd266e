import { page, userEvent } from 'vitest/browser';
import { describe, expect, it } from 'vitest';
import { configAnswers } from '../testing/demo-config';
import { card, MemoryDesktop, MemoryTransport } from '../testing/memory-transport';
import { expectAccessible, renderApp } from '../testing/render';
import { RequestError } from '../transport/types';

interface File {
  hash: string;
  raw: string | null;
  config: { logging: { level: string }; gateway: { port: number } };
  valid: boolean;
  issues: unknown[];
}

async function show(prepare: (transport: MemoryTransport) => void = () => undefined) {
  const transport = new MemoryTransport();
  transport.desktop = new MemoryDesktop();
  transport.cards = [card('main', 18_789)];
  transport.answers = configAnswers();
  const file = transport.answers['config.get']!({}, 'main') as File;
  transport.answers['config.get'] = () => structuredClone(file);
  prepare(transport);
  await renderApp(transport, '#/config');
  transport.connect('main');
  const said = (method: string) => transport.asked.filter((one) => one.method === method).map(({ params }) => params);
  return { transport, said, file };
}
const level = () => page.getByRole('combobox', { name: 'Least level' });

describe('configuration', () => {
  it.each(['light', 'dark'])('has no finding, %s', async (theme) => {
    document.documentElement.dataset['theme'] = theme;
    await show();
    await expect.element(page.getByTestId('config-text')).toBeVisible();
    await page.getByTestId('config-search').fill('e');
    await expect.element(level()).toBeVisible();
    await expectAccessible();
    await level().selectOptions('debug');
    await page.getByTestId('config-review').click();
    await expectAccessible();
    delete document.documentElement.dataset['theme'];
  });

  it('is changed by form, shown before it is saved, and saved as a patch', async () => {
    const { said } = await show((transport) => {
      transport.answers['config.patch'] = () => ({ ok: true, sentinel: { payload: { doctorHint: 'gateway.port takes effect after a restart' } } });
    });
    await expect.element(page.getByTestId('config-review')).toBeDisabled();
    await page.getByTestId('config-search').fill('least');
    await level().selectOptions('debug');
    await page.getByTestId('config-search').fill('port');
    await page.getByRole('spinbutton', { name: 'Base port' }).fill('19789');
    await expect.element(page.getByTestId('config-text')).toHaveAttribute('readonly');
    await page.getByTestId('config-review').click();
    await expect.element(page.getByTestId('config-changes')).toHaveTextContent('logging.level info→debug');
    expect(said('config.patch')).toEqual([]);
    await page.getByTestId('config-save-confirm').click();
    await expect.element(page.getByTestId('said')).toHaveTextContent('gateway.port takes effect after a restart');
    expect(said('config.patch')).toEqual([{ raw: '{"logging":{"level":"debug"},"gateway":{"port":19789}}', baseHash: 'sha256:1' }]);
    await expect.element(page.getByTestId('config-review')).toBeDisabled();
  });

  it('is changed as text, with a diff, and a refusal keeps what was written', async () => {
    const { transport, said, file } = await show();
    await expect.element(page.getByTestId('config-text')).toBeVisible();
    const wanted = file.raw!.replace('"info"', '"loud"');
    await page.getByTestId('config-text').fill(wanted);
    await page.getByTestId('config-review').click();
    await expect.element(page.getByTestId('config-diff')).toHaveTextContent('+ logging: { level: "loud" }');
    transport.answers['config.apply'] = () => {
      throw new RequestError('INVALID_REQUEST', 'invalid config: logging.level: found "loud"', false, { code: 'config.invalid' });
    };
    await page.getByTestId('config-save-confirm').click();
    await expect.element(page.getByTestId('config-save')).toHaveTextContent('found "loud"');
    await userEvent.keyboard('{Escape}');
    await expect.element(page.getByTestId('config-text')).toHaveValue(wanted);
    expect(said('config.apply')).toEqual([{ raw: wanted, baseHash: 'sha256:1' }]);
    await page.getByTestId('config-discard').click();
    await expect.element(page.getByTestId('config-text')).toHaveValue(file.raw!);
  });

  it('shows what others changed when they were first, and saves on top of it when asked again', async () => {
    const { transport, said, file } = await show();
    await page.getByTestId('config-search').fill('least');
    await level().selectOptions('debug');
    transport.answers['config.patch'] = ({ baseHash }) => {
      if (baseHash !== 'sha256:2') throw new RequestError('INVALID_REQUEST', 'config changed since last load', false, { code: 'config.stale' });
      return { ok: true };
    };
    file.hash = 'sha256:2';
    file.config.gateway.port = 20_000;
    await page.getByTestId('config-review').click();
    await page.getByTestId('config-save-confirm').click();
    await expect.element(page.getByTestId('config-conflict')).toHaveTextContent('gateway.port 18789→20000');
    await expectAccessible();
    await page.getByTestId('config-save-confirm').click();
    await expect.element(page.getByTestId('said')).toHaveTextContent('Saved and in force.');
    expect(said('config.patch').map((params) => params['baseHash'])).toEqual(['sha256:1', 'sha256:2']);
    await expect.element(page.getByTestId('config-moved')).not.toBeInTheDocument();
  });

  it('keeps what is being changed when others change the file', async () => {
    const { transport, file } = await show();
    await page.getByTestId('config-search').fill('least');
    await level().selectOptions('debug');
    file.hash = 'sha256:2';
    file.config.gateway.port = 20_000;
    transport.emit('main', 'config.changed', { hash: 'sha256:2' });
    await expect.element(page.getByTestId('config-moved')).toHaveTextContent('gateway.port');
    await expect.element(level()).toHaveValue('debug');
  });

  it('shows secrets as where they are, and what only changes here as it is', async () => {
    await show();
    await page.getByTestId('config-search').fill('gateway');
    await expect.element(page.getByTestId('config-secret').first()).toHaveTextContent('Kept elsewhere (keychain: gateway/token)');
    await expect.element(page.getByRole('combobox', { name: 'Addresses to listen on' })).toBeDisabled();
    await page.getByTestId('config-search').fill('no such thing');
    await expect.element(page.getByTestId('config-no-match')).toBeVisible();
  });

  it('says what is wrong with a file that cannot be used', async () => {
    await show((transport) => {
      transport.answers['config.get'] = () => ({ path: 'x', hash: 'sha256:9', raw: null, config: {}, valid: false, issues: [{ path: 'logging.level', message: 'found "loud", expected info' }] });
    });
    await expect.element(page.getByTestId('config-invalid')).toHaveTextContent('found "loud", expected info');
    await expect.element(page.getByTestId('config-no-text')).toBeVisible();
    await expectAccessible();
  });
});
