import { page, userEvent } from 'vitest/browser';
import { describe, expect, it } from 'vitest';
import { scheduleAnswers } from '../testing/demo-schedules';
import { sessionAnswers } from '../testing/demo-sessions';
import { card, MemoryDesktop, MemoryTransport } from '../testing/memory-transport';
import { expectAccessible, renderApp } from '../testing/render';
import { RequestError } from '../transport/types';

function gateway(scene = 'home') {
  const transport = new MemoryTransport();
  transport.desktop = new MemoryDesktop();
  transport.cards = [card('main', 18_789)];
  transport.answers = { ...sessionAnswers(scene), ...scheduleAnswers(scene) };
  const said = (method: string) => transport.asked.filter((one) => one.method === method).map(({ params }) => params);
  return { transport, said };
}
const jobs = () => page.getByTestId('job');
async function show(scene = 'home') {
  const made = gateway(scene);
  await renderApp(made.transport, '#/schedules');
  made.transport.connect('main');
  if (scene === 'home') await expect.element(jobs().nth(4)).toBeVisible();
  return made;
}

describe('schedules', () => {
  it.each(['light', 'dark'])('have no finding, %s', async (theme) => {
    document.documentElement.dataset['theme'] = theme;
    await show();
    await page.getByTestId('job-menu').nth(1).click();
    await page.getByTestId('job-menu-history').click();
    await expect.element(page.getByTestId('job-run').first()).toHaveTextContent('The model provider does not answer');
    await expectAccessible();
    await page.getByTestId('job-add').click();
    await page.getByTestId('job-form-confirm').click();
    await expect.element(page.getByTestId('job-form')).toHaveTextContent('Something is still missing above.');
    await expectAccessible();
    delete document.documentElement.dataset['theme'];
  });

  it('say in words how each job stands', async () => {
    await show();
    expect(jobs().elements().map((one) => (one as HTMLElement).dataset['state'])).toEqual(['ok', 'error', 'running', 'new', 'given-up']);
    await expect.element(jobs().nth(4)).toHaveTextContent('Turned off after 10 failures');
    await expect.element(jobs().nth(4)).toHaveTextContent('exec: df was denied');
    await expect.element(jobs().nth(0)).toHaveTextContent('Made by the gateway');
    expect(page.getByTestId('job-enabled').elements()).toHaveLength(4);
  });

  it('are turned on and off, and a refusal is said', async () => {
    const { transport, said } = await show();
    await page.getByTestId('job-enabled').first().click();
    await expect.element(jobs().nth(1)).toHaveAttribute('data-state', 'off');
    expect(said('cron.update')).toEqual([{ id: 'Morning brief', patch: { enabled: false } }]);
    transport.answers['cron.update'] = () => {
      throw new RequestError('INVALID_REQUEST', 'schedule.at is in the past');
    };
    await page.getByTestId('job-enabled').first().click();
    await expect.element(page.getByTestId('said')).toHaveTextContent('schedule.at is in the past');
    await expect.element(page.getByTestId('job-enabled').first()).not.toBeChecked();
  });

  it('run now, and their end is shown by the event', async () => {
    const { transport, said } = await show();
    await page.getByTestId('job-run-now').nth(1).click();
    await expect.element(jobs().nth(1)).toHaveAttribute('data-state', 'running');
    expect(said('cron.run')).toEqual([{ id: 'Morning brief', mode: 'force' }]);
    const list = transport.answers['cron.list']!;
    transport.answers['cron.list'] = (params, profile) => {
      const { jobs: all } = list(params, profile) as { jobs: { state: object }[] };
      all[1]!.state = { lastRunAtMs: Date.now(), lastRunStatus: 'ok' };
      return { jobs: all };
    };
    transport.emit('main', 'cron', { jobId: 'Morning brief', action: 'finished' });
    await expect.element(jobs().nth(1)).toHaveAttribute('data-state', 'ok');
  });

  it('are made and edited by form', async () => {
    const { said } = await show();
    await page.getByTestId('job-add').click();
    await page.getByTestId('job-name').fill('Tea');
    await page.getByTestId('job-kind-every').click({ force: true });
    await page.getByTestId('job-every').fill('2');
    await page.getByTestId('job-message').fill('Make tea.');
    await page.getByTestId('job-name').click();
    await userEvent.keyboard('{Enter}');
    await expect.element(jobs().nth(5)).toBeVisible();
    expect(said('cron.add')).toEqual([{
      name: 'Tea', wakeMode: 'now', schedule: { kind: 'every', everyMs: 7_200_000 }, sessionTarget: 'isolated',
      payload: { kind: 'agentTurn', message: 'Make tea.' }, delivery: { mode: 'announce', channel: 'last' },
    }]);
    await page.getByTestId('job-menu').nth(1).click();
    await page.getByTestId('job-menu-edit').click();
    await page.getByTestId('job-expr').fill('0 8 * * *');
    await page.getByTestId('job-form-confirm').click();
    await expect.element(page.getByTestId('job-form')).not.toBeInTheDocument();
    expect(said('cron.update')).toEqual([{
      id: 'Morning brief', patch: { schedule: { kind: 'cron', expr: '0 8 * * *', tz: 'Europe/Berlin' } }, expectedConfigRevision: 'sha256:Morning brief',
    }]);
  });

  it('are removed only after asking', async () => {
    const { said } = await show();
    await page.getByTestId('job-menu').nth(3).click();
    await page.getByTestId('job-menu-remove').click();
    await page.getByTestId('job-remove-cancel').click();
    expect(said('cron.remove')).toEqual([]);
    await page.getByTestId('job-menu').nth(3).click();
    await page.getByTestId('job-menu-remove').click();
    await page.getByTestId('job-remove-confirm').click();
    await expect.poll(() => jobs().elements().length).toBe(4);
  });

  it('say that there are none, that they are off, and that a gateway has none', async () => {
    const { transport } = await show('none');
    await expect.element(page.getByTestId('schedules-empty')).toBeVisible();
    transport.answers['cron.status'] = () => ({ enabled: false });
    transport.emit('main', 'cron', {});
    await expect.element(page.getByTestId('schedules-off')).toBeVisible();
    await expectAccessible();
  });

  it('tell when a gateway does not serve them', async () => {
    const { transport } = gateway();
    delete transport.answers['cron.list'];
    await renderApp(transport, '#/schedules');
    transport.connect('main');
    await expect.element(page.getByTestId('schedules-unserved')).toBeVisible();
    await expect.element(page.getByTestId('job-add')).toBeDisabled();
  });
});
