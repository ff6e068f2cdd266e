/** Somebody without a mouse: goes on by Tab, sees at each stop where they are, and presses keys. */
import { page, userEvent } from 'vitest/browser';
import { expect } from 'vitest';

const MOST_STOPS = 80;

export function focused(): HTMLElement {
  return document.activeElement as HTMLElement;
}

/** What shows the focus: the element, or the label of a control that is drawn by its label. */
function ring(element: HTMLElement): HTMLElement {
  return element.matches('.sr-only') ? element.closest('label')! : element;
}

/** Where the focus is can be seen. */
export function expectSeen(): void {
  const element = focused();
  if (element === document.body) return;
  const drawn = element instanceof SVGElement ? element.querySelector('.focus') : null;
  const { outlineStyle, outlineWidth } = getComputedStyle(ring(element));
  const told = `focus of ${element.outerHTML.slice(0, 120)}`;
  if (drawn) return expect(getComputedStyle(drawn).opacity, told).toBe('1');
  expect(outlineStyle, told).not.toBe('none');
  expect(parseFloat(outlineWidth), told).toBeGreaterThanOrEqual(2);
}

const is = (testid: string) => focused()?.dataset['testid'] === testid;

/** Tab by Tab to a control; fails when it is no stop. */
export async function reach(testid: string, back = false): Promise<void> {
  await expect.element(page.getByTestId(testid).first()).toBeInTheDocument();
  await expect.element(page.getByTestId(testid).first()).toBeEnabled();
  const passed: string[] = [];
  for (let stop = 0; !is(testid); stop += 1) {
    if (stop > MOST_STOPS) throw new Error(`Tab does not lead to ${testid}; it passed ${passed.join(', ')}`);
    await userEvent.keyboard(back ? '{Shift>}{Tab}{/Shift}' : '{Tab}');
    expectSeen();
    passed.push(focused().dataset['testid'] ?? focused().tagName);
  }
}

export async function press(testid: string): Promise<void> {
  await reach(testid);
  await userEvent.keyboard('{Enter}');
}

/** A choice of several: Tab to the group, arrows to the one. */
export async function pick(testid: string): Promise<void> {
  const wanted = page.getByTestId(testid).element() as HTMLInputElement;
  const group = () => (focused() as HTMLInputElement).name === wanted.name && wanted.name !== '';
  for (let stop = 0; !group(); stop += 1) {
    if (stop > MOST_STOPS) throw new Error(`Tab does not lead to the group of ${testid}`);
    await userEvent.keyboard('{Tab}');
    expectSeen();
  }
  if (focused() === wanted) await userEvent.keyboard(' ');
  for (let step = 0; focused() !== wanted; step += 1) {
    if (step > 20) throw new Error(`no arrow leads to ${testid}`);
    await userEvent.keyboard('{ArrowDown}');
    expectSeen();
  }
  await expect.element(page.getByTestId(testid)).toBeChecked();
}

export async function type(testid: string, text: string): Promise<void> {
  await reach(testid);
  await userEvent.keyboard('{Control>}a{/Control}');
  await userEvent.keyboard(text.replaceAll('{', '{{').replaceAll('[', '[['));
}
