/** Draws a page or a part as the app does, over a transport in memory; and asks axe, and the layout, about it. */
import axe from 'axe-core';
import { render } from 'vitest-browser-svelte';
import { expect } from 'vitest';
import App from '../App.svelte';
import { Shell } from '../state/shell.svelte';
import type { Transport } from '../transport/types';

export async function renderApp(transport: Transport, hash = '') {
  history.replaceState(null, '', location.pathname + location.search + (hash || '#'));
  const shell = new Shell(transport);
  const screen = await render(App, { shell });
  return { screen, shell };
}

/** WCAG 2.2 A and AA and axe's best practices, but those about whole documents that a test page cannot have. */
export async function expectAccessible(where: Element = document.body): Promise<void> {
  const { violations } = await axe.run(where, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    rules: {
      // Off unless asked for by name, as all of 2.2 is.
      'target-size': { enabled: true },
      region: { enabled: false }, 'landmark-one-main': { enabled: false }, 'page-has-heading-one': { enabled: false },
    },
  });
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html.slice(0, 200)}\n  ${failureSummary ?? ''}`).join('\n')}`);
  expect(told.join('\n\n')).toBe('');
}

const name = (element: Element) => `${element.tagName.toLowerCase()}${element.className && typeof element.className === 'string' ? `.${element.className.replaceAll(' ', '.')}` : ''} “${element.textContent?.trim().slice(0, 60)}”`;
/** Kept for ears only, or cut on purpose with the whole in reach (`clip`: an ellipsis, and the text as title or elsewhere). */
const hidden = (element: Element) => element.closest('.sr-only, .clip, .skip, svg, [aria-hidden="true"], option, textarea, input, select') !== null;

/** No text is cut, and nothing stands beside the window. */
export function expectWhole(): void {
  const found: string[] = [];
  const { clientWidth, scrollWidth } = document.documentElement;
  if (scrollWidth > clientWidth) found.push(`the page is ${scrollWidth - clientWidth} px wider than the window`);
  for (const element of document.body.querySelectorAll<HTMLElement>('*')) {
    if (hidden(element) || element.getClientRects().length === 0) continue;
    const style = getComputedStyle(element);
    const words = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());
    const box = element.getBoundingClientRect();
    if (words && style.clipPath === 'none' && box.width > 0) {
      // What lies outside of the window sideways, unless it is in something that scrolls there.
      let reached = box.right <= clientWidth + 1 && box.left >= -1;
      for (let up = element.parentElement; up && !reached; up = up.parentElement) reached = /auto|scroll/.test(getComputedStyle(up).overflowX) && up.scrollWidth > up.clientWidth && up !== document.body;
      if (!reached) found.push(`outside: ${name(element)}`);
      for (let up: HTMLElement | null = element; up; up = up.parentElement) {
        const { overflowX, overflowY } = getComputedStyle(up);
        const edge = up.getBoundingClientRect();
        if (/auto|scroll/.test(overflowX + overflowY)) break;
        if (/hidden|clip/.test(overflowX) && (box.right > edge.right + 1 || element.scrollWidth > element.clientWidth + 1) && up !== document.body) found.push(`cut at the side: ${name(element)}`);
        if (/hidden|clip/.test(overflowY) && box.bottom > edge.bottom + 1) found.push(`cut below: ${name(element)}`);
      }
    }
    // A word wider than its own box runs into what stands beside it.
    if (words && style.display !== 'inline' && !/auto|scroll/.test(style.overflowX) && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0) found.push(`runs out of its box by ${element.scrollWidth - element.clientWidth}: ${name(element)}`);
  }
  expect([...new Set(found)].slice(0, 12)).toEqual([]);
}
