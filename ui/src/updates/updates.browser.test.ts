/** The settings' part about updates, in its states. */
import { page } from 'vitest/browser';
import { describe, expect, it } from 'vitest';
import { card, MemoryDesktop, MemoryTransport } from '../testing/memory-transport';
import { expectAccessible, renderApp } from '../testing/render';

async function settings(change: (desktop: MemoryDesktop) => void): Promise<MemoryDesktop> {
  const transport = new MemoryTransport();
  const desktop = new MemoryDesktop();
  change(desktop);
  transport.desktop = desktop;
  transport.profiles = async () => [card('main', 18_789), card('rescue', 19_789)];
  await renderApp(transport, '#/settings');
  await expect.element(page.getByTestId('updates')).toBeVisible();
  return desktop;
}

describe('updates', () => {
  it('looks, offers what was found, and installs it', async () => {
    const desktop = await settings((desktop) => {
      desktop.onCheck = async () => ({ ...desktop.update, offer: { version: '0.2.0', notes: 'Faster.' } });
    });
    await page.getByTestId('update-check').click();
    await expect.element(page.getByTestId('update-words')).toHaveTextContent('Version 0.2.0 is there.');
    await expectAccessible();
    await page.getByTestId('update-install').click();
    await expect.poll(() => desktop.calls).toContain('install');
  });

  it('says why it could not look', async () => {
    await settings((desktop) => {
      desktop.onCheck = async () => {
        throw { code: 'update-not-looked-for', message: 'There is no network. Try it again later.' };
      };
    });
    await page.getByTestId('update-check').click();
    await expect.element(page.getByTestId('update-problem')).toHaveTextContent('There is no network.');
  });

  it('leaves packages to their manager', async () => {
    await settings((desktop) => (desktop.update.how = 'package'));
    await expect.element(page.getByTestId('update-words')).toHaveTextContent('your package manager updates it');
    await expect.element(page.getByTestId('update-check')).not.toBeInTheDocument();
  });

  it('shows a trial and its way back', async () => {
    const desktop = await settings((desktop) => {
      Object.assign(desktop.update, { stage: 'trying', version: '0.2.0', previous: '0.1.0', since: 1_790_000_000_000 });
    });
    await expect.element(page.getByTestId('update-trying')).toHaveTextContent('Rescue stays on 0.1.0');
    await page.getByTestId('update-back').click();
    await expect.element(page.getByTestId('update-went-back')).toHaveTextContent('all gateways run 0.1.0 again');
    expect(desktop.calls).toContain('back');
    await expectAccessible();
  });
});
