import { page } from 'vitest/browser';
import { expect, it } from 'vitest';
import { card, MemoryDesktop, MemoryTransport } from '../testing/memory-transport';
import { expectAccessible, renderApp } from '../testing/render';

it('the licences open below the version', async () => {
  const transport = new MemoryTransport();
  transport.desktop = new MemoryDesktop();
  transport.profiles = async () => [card('main', 18_789)];
  await renderApp(transport, '#/settings');
  await page.getByTestId('licences-open').click();
  // A build without the list says so; one with it has hundreds of parts.
  await expect.element(page.getByRole('region', { name: 'Licences' })).toBeVisible();
  await expectAccessible();
});
