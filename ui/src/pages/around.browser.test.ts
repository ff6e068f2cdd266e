/** What happens around the app: what it says itself, gateways elsewhere, codes that links bring. */
import { page, userEvent } from 'vitest/browser';
import { expect, it } from 'vitest';
import { card, MemoryDesktop, MemoryTransport } from '../testing/memory-transport';
import { expectAccessible, expectWhole, renderApp } from '../testing/render';
import { RequestError } from '../transport/types';

function app(): { transport: MemoryTransport; desktop: MemoryDesktop } {
  const transport = new MemoryTransport();
  const desktop = new MemoryDesktop();
  transport.desktop = desktop;
  transport.cards = [card('main', 18_789)];
  return { transport, desktop };
}

it('says what the app says, above every page, until it is over or put away', async () => {
  const { transport, desktop } = app();
  await renderApp(transport, '#/home');
  await expect.element(page.getByTestId('card-main')).toBeVisible();
  const gone = { code: 'keychain', title: 'The keychain is gone', message: 'Gateways that run go on.', tone: 'warn' as const, holds: true, page: null };
  const told = { code: 'ended-unexpectedly', title: 'Bulkhead ended unexpectedly', message: 'It was killed.', tone: 'info' as const, holds: false, page: '/settings' };
  desktop.say([gone, told]);
  await expect.element(page.getByTestId('announcement-keychain')).toBeVisible();
  expect(page.getByTestId('announcement-keychain-dismiss').query()).toBeNull();
  await expectAccessible();
  expectWhole();
  await userEvent.click(page.getByTestId('announcement-ended-unexpectedly-dismiss'));
  expect(desktop.calls).toContain('dismiss ended-unexpectedly');
  desktop.say([told]);
  await expect.element(page.getByTestId('announcement-keychain')).not.toBeInTheDocument();
  await userEvent.click(page.getByTestId('announcement-ended-unexpectedly-open'));
  await expect.element(page.getByTestId('version')).toBeVisible();
});

it('attaches a gateway elsewhere only with a certificate that somebody compared', async () => {
  const { transport, desktop } = app();
  const given: (string | null)[] = [];
  desktop.onAttach = async (elsewhere) => {
    given.push(elsewhere.fingerprint);
    if (elsewhere.fingerprint) return '0.1.0';
    throw new RequestError('certificate-unknown', 'Nobody vouches for it.', false, { fingerprint: 'AB:CD' });
  };
  await renderApp(transport, '#/home');
  await userEvent.click(page.getByTestId('attach'));
  await userEvent.fill(page.getByTestId('attach-url'), 'wss://gate.example');
  await userEvent.fill(page.getByTestId('attach-secret'), 'token');
  await expectAccessible();
  await userEvent.click(page.getByTestId('attach-dialog-confirm'));
  await expect.element(page.getByTestId('attach-fingerprint')).toHaveTextContent('AB:CD');
  await expect.element(page.getByTestId('attach-dialog-confirm')).toBeDisabled();
  await userEvent.click(page.getByTestId('attach-compared'));
  await userEvent.click(page.getByTestId('attach-dialog-confirm'));
  await expect.element(page.getByTestId('attach-dialog')).not.toBeInTheDocument();
  expect(given).toEqual([null, 'AB:CD']);
});

it('shows a gateway elsewhere, a pause and an end that nobody asked for', async () => {
  const { transport } = app();
  transport.cards = [
    card('away', 20_789, { owner: 'external', remote: 'gate.example:18789' }),
    card('main', 18_789, { state: 'stopped', pausedUntil: Date.now() + 3_600_000 }),
    card('rescue', 19_789, { ended: { at: Date.now(), message: 'Ended by itself at 10:02.' } }),
  ];
  await renderApp(transport, '#/home');
  await expect.element(page.getByTestId('card-away')).toHaveTextContent('gate.example:18789');
  expect(page.getByTestId('card-away-logs').query()).toBeNull();
  await expect.element(page.getByTestId('card-main-state')).toHaveTextContent('paused until');
  await expect.element(page.getByTestId('card-rescue-ended')).toBeVisible();
  await expectAccessible();
});

it('shows a code that a link brought, and does nothing with it', async () => {
  const { transport } = app();
  transport.answers['device.pair.list'] = () => ({ pending: [{ requestId: 'r1', deviceId: 'd1', displayName: 'Phone' }], paired: [] });
  transport.answers['node.list'] = () => ({ nodes: [] });
  transport.answers['node.pair.list'] = () => ({ pending: [], paired: [] });
  await renderApp(transport, '#/devices/main/r1');
  transport.connect('main');
  await expect.element(page.getByTestId('pair-link-code')).toHaveValue('r1');
  await expect.element(page.getByTestId('pair-link')).toHaveTextContent('Phone');
  await expectAccessible();
  await userEvent.click(page.getByTestId('pair-link-dismiss'));
  await expect.element(page.getByTestId('pair-link')).not.toBeInTheDocument();
  expect(transport.asked.some(({ method }) => method.includes('approve'))).toBe(false);
});
