/** The rescue page as a person uses it. */
import { page, userEvent } from 'vitest/browser';
import { describe, expect, it } from 'vitest';
import { demoTransport } from '../testing/demo';
import type { MemoryTransport } from '../testing/memory-transport';
import { renderApp } from '../testing/render';

const scene = (name: string) => demoTransport(new URLSearchParams({ scene: name })) as MemoryTransport;
const asked = (transport: MemoryTransport, method: string) => transport.asked.filter((one) => one.method === method).map(({ params }) => params);

describe('an incident', () => {
  it('says what is wrong, and rolls back only after a second click', async () => {
    const transport = scene('incident');
    await renderApp(transport, '#/rescue');
    await expect.element(page.getByTestId('rescue-status')).toHaveTextContent('The configuration of main cannot be used');
    await page.getByTestId('remedy-rollback').click();
    await expect.element(page.getByTestId('remedy-question')).toHaveTextContent('Roll main back to the configuration of 14:02?');
    expect(asked(transport, 'rescue.remedy')).toMatchObject([{ remedy: 'rollback', confirmed: false }]);
    await page.getByTestId('remedy-confirm').click();
    await expect.element(page.getByTestId('remedy-answer')).toHaveTextContent('Asked the supervisor of main to do it.');
    const keys = asked(transport, 'rescue.remedy').map(({ idempotencyKey }) => idempotencyKey);
    expect(new Set(keys).size).toBe(2);
  });

  it('shows why a remedy was refused', async () => {
    const transport = scene('incident');
    transport.answers['rescue.remedy'] = () => Promise.reject({ code: 'UNAVAILABLE', message: 'Nobody supervises main. Start the app, or move main to a service.' });
    await renderApp(transport, '#/rescue');
    await page.getByTestId('remedy-safe-mode').click();
    await expect.element(page.getByTestId('remedy-answer')).toHaveTextContent('Nobody supervises main. Start the app, or move main to a service.');
  });

  it('is told on Home as soon as an event says so', async () => {
    const transport = scene('home');
    await renderApp(transport, '#/home');
    await expect.element(page.getByTestId('home-watch-rescue')).toBeVisible();
    expect(page.getByTestId('home-incident-rescue').elements()).toHaveLength(0);
    transport.answers = { ...transport.answers, ...scene('incident').answers };
    transport.emit('rescue', 'rescue.incident', {});
    await expect.element(page.getByTestId('home-incident-rescue')).toHaveTextContent('The configuration of main cannot be used');
    expect(page.getByTestId('home-watch-main').elements()).toHaveLength(0);
  });
});

describe('the strip', () => {
  it('tells its story in words, and each mark by keyboard', async () => {
    await renderApp(scene('home'), '#/rescue');
    await expect.element(page.getByRole('img', { name: /main in the last 6 hours: down 3 min, something does not work 9 min/ })).toBeInTheDocument();
    const marks = page.getByTestId('watch-mark');
    await expect.element(marks.first()).toBeVisible();
    expect(marks.elements().filter((mark) => (mark as HTMLElement).tabIndex === 0)).toHaveLength(1);
    (marks.first().element() as HTMLElement).focus();
    await expect.element(page.getByTestId('watch-strip')).toHaveTextContent('main has ended (signal 9)');
    await userEvent.keyboard('{End}');
    expect(document.activeElement).toBe(marks.last().element());
    await userEvent.keyboard('{ArrowLeft}');
    await expect.element(page.getByTestId('watch-strip')).toHaveTextContent('The model provider of main does not answer');
  });
});

describe('a drill', () => {
  it('asks first, and then shows its times', async () => {
    const transport = scene('home');
    await renderApp(transport, '#/rescue');
    await page.getByTestId('drill-open').click();
    expect(asked(transport, 'rescue.drill.start')).toEqual([]);
    await page.getByLabelText('Kill it as a crash would').click();
    await page.getByTestId('drill-start').click();
    await expect.element(page.getByTestId('drill-told')).toHaveTextContent('1.7 s');
    transport.emit('rescue', 'rescue.incident', { event: 'drill', report: { beganMs: 0, noticedAfterMs: 1_100, toldAfterMs: 1_700, repairedAfterMs: 4_300, verdict: 'Noticed after 1.1 s.' } });
    await expect.element(page.getByTestId('drill-repaired')).toHaveTextContent('4.3 s');
    await expect.element(page.getByTestId('drill-noticed')).toHaveTextContent('1.1 s');
    await expect.element(page.getByTestId('drill-told')).toHaveTextContent('1.7 s');
    expect(asked(transport, 'rescue.drill.start')).toMatchObject([{ how: 'kill' }]);
  });
});
