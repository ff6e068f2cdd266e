import { page, userEvent } from 'vitest/browser';
import { describe, expect, it } from 'vitest';
import { sessionAnswers } from '../testing/demo-sessions';
import { card, MemoryDesktop, MemoryTransport } from '../testing/memory-transport';
import { expectAccessible, renderApp } from '../testing/render';
import { RequestError } from '../transport/types';

function gateway(scene = 'home') {
  const transport = new MemoryTransport();
  transport.desktop = new MemoryDesktop();
  transport.cards = [card('main', 18_789)];
  transport.answers = { ...sessionAnswers(scene), 'sessions.subscribe': () => ({ subscribed: true }) };
  const said = (method: string) => transport.asked.filter((one) => one.method === method).map(({ params }) => params);
  return { transport, said };
}
const rows = () => page.getByTestId('session-row');
const open = async (at: number, what: string) => {
  await page.getByTestId('session-menu').nth(at).click();
  await page.getByTestId(`session-menu-${what}`).click();
};

describe('sessions', () => {
  it.each(['light', 'dark'])('have no finding, %s', async (theme) => {
    document.documentElement.dataset['theme'] = theme;
    const { transport } = gateway();
    await renderApp(transport, '#/sessions');
    transport.connect('main');
    await expect.element(rows().nth(3)).toBeVisible();
    await expect.element(page.getByText('Answering now.')).toBeInTheDocument();
    await expectAccessible();
    await page.getByTestId('session-menu').nth(2).click();
    await expectAccessible();
    await page.getByTestId('session-menu-delete').click();
    await expectAccessible();
    delete document.documentElement.dataset['theme'];
  });

  it('are found by name, by what was said, by agent and by shelf', async () => {
    const { transport, said } = gateway();
    await renderApp(transport, '#/sessions');
    transport.connect('main');
    await expect.element(rows().nth(3)).toBeVisible();
    await page.getByTestId('sessions-search').fill('papers');
    await expect.poll(() => rows().elements().length).toBe(1);
    await expect.element(page.getByTestId('session-hit')).toHaveTextContent('put the papers of last week');
    await page.getByTestId('sessions-agent').selectOptions('main');
    await expect.element(page.getByTestId('sessions-no-match')).toBeVisible();
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect.poll(() => rows().elements().length).toBe(4);
    await page.getByTestId('sessions-shelf-archived').click({ force: true });
    await expect.element(page.getByTestId('sessions-none-archived')).toBeVisible();
    expect(said('sessions.list').at(-1)).toMatchObject({ archived: true });
  });

  it('are named by keyboard alone, and say why a name is refused', async () => {
    const { transport, said } = gateway();
    await renderApp(transport, '#/sessions');
    transport.connect('main');
    await expect.element(rows().nth(3)).toBeVisible();
    const menu = page.getByTestId('session-menu').nth(2);
    (menu.element() as HTMLElement).focus();
    await userEvent.keyboard('{ArrowDown}{ArrowDown}{Home}{Enter}');
    await page.getByTestId('session-name').fill('Weekly papers');
    const works = transport.answers['sessions.patch']!;
    transport.answers['sessions.patch'] = () => {
      throw new RequestError('INVALID_REQUEST', 'label already in use: choose another');
    };
    await userEvent.keyboard('{Enter}');
    await expect.element(page.getByTestId('session-rename')).toHaveTextContent('label already in use: choose another');
    transport.answers['sessions.patch'] = works;
    await page.getByTestId('session-name').fill('Three reports');
    await userEvent.keyboard('{Enter}');
    await expect.element(page.getByRole('link', { name: 'Three reports' })).toBeVisible();
    expect(said('sessions.patch').at(-1)).toEqual({ key: 'agent:main:chat-9f1c22aa', label: 'Three reports' });
    await expect.element(page.getByTestId('session-rename')).not.toBeInTheDocument();
  });

  it('are archived with a way back, and deleted only after asking', async () => {
    const { transport, said } = gateway();
    await renderApp(transport, '#/sessions');
    transport.connect('main');
    await expect.element(rows().nth(3)).toBeVisible();
    await open(2, 'archive');
    await expect.poll(() => rows().elements().length).toBe(3);
    expect(said('sessions.patch').at(-1)).toEqual({ key: 'agent:main:chat-9f1c22aa', archived: true, expectedSessionId: 'id-agent:main:chat-9f1c22aa' });
    await page.getByTestId('said-undo').click();
    await expect.poll(() => rows().elements().length).toBe(4);
    await open(2, 'delete');
    await userEvent.keyboard('{Escape}');
    expect(said('sessions.delete')).toEqual([]);
    await open(2, 'delete');
    await page.getByTestId('session-delete-confirm').click();
    await expect.poll(() => rows().elements().length).toBe(3);
    await open(0, 'compact');
    await expect.element(page.getByTestId('said')).toHaveTextContent('Summarised: 121,900 tokens became 9,300.');
  });

  it('never offer to delete the main one', async () => {
    const { transport } = gateway();
    await renderApp(transport, '#/sessions');
    transport.connect('main');
    await expect.element(rows().nth(3)).toBeVisible();
    await page.getByTestId('session-menu').first().click();
    await expect.element(page.getByTestId('session-menu-reset')).toBeVisible();
    expect(page.getByTestId('session-menu-delete').elements()).toHaveLength(0);
    expect(page.getByTestId('session-menu-archive').elements()).toHaveLength(0);
  });

  it('say why they cannot be read, and recover', async () => {
    const { transport } = gateway();
    const works = transport.answers['sessions.list']!;
    transport.answers['sessions.list'] = () => {
      throw new RequestError('UNAVAILABLE', 'the database is busy');
    };
    await renderApp(transport, '#/sessions');
    transport.connect('main');
    await expect.element(page.getByTestId('sessions-problem')).toHaveTextContent('the database is busy');
    transport.answers['sessions.list'] = works;
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect.element(rows().nth(3)).toBeVisible();
    await expect.element(page.getByTestId('sessions-problem')).not.toBeInTheDocument();
  });

  it('follow what others do, and open in chat', async () => {
    const { transport, said } = gateway();
    transport.answers['chat.history'] = () => ({ messages: [], sessionInfo: { activeRunIds: [] } });
    transport.answers['sessions.messages.subscribe'] = () => ({});
    await renderApp(transport, '#/sessions');
    transport.connect('main');
    await expect.element(rows().nth(3)).toBeVisible();
    (transport.answers['sessions.delete'] as (params: object, profile: string) => unknown)({ key: 'agent:main:chat-9f1c22aa' }, 'main');
    transport.emit('main', 'sessions.changed', { reason: 'delete', session: { key: 'agent:main:chat-9f1c22aa' } });
    await expect.poll(() => rows().elements().length).toBe(3);
    await page.getByText('Weekly papers').click();
    await expect.element(page.getByTestId('chat-empty')).toBeVisible();
    await expect.poll(() => said('chat.history').at(-1)).toMatchObject({ sessionKey: 'agent:reader:chat-1b2c3d4e' });
  });

  it('tell an empty gateway and one that is down apart', async () => {
    const { transport } = gateway('none');
    transport.cards = [card('main', 18_789, { state: 'stopped' })];
    await renderApp(transport, '#/sessions');
    await expect.element(page.getByTestId('sessions-down')).toBeVisible();
    await page.getByTestId('sessions-down').getByRole('button').click();
    expect((transport.desktop as MemoryDesktop).calls).toEqual(['start main']);
    transport.show([card('main', 18_789)]);
    transport.connect('main');
    await expect.element(page.getByTestId('sessions-empty')).toBeVisible();
    await expectAccessible();
  });
});
