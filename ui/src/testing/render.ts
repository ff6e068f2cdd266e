/** Draws a page or a part as the app does, over a transport in memory; and asks axe about it. */
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

/** Every rule that axe has, but those about whole documents that a test page cannot have. */
export async function expectAccessible(where: Element = document.body): Promise<void> {
  const { violations } = await axe.run(where, { rules: { region: { enabled: false }, 'landmark-one-main': { enabled: false }, 'page-has-heading-one': { enabled: false } } });
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html.slice(0, 200)}\n  ${failureSummary ?? ''}`).join('\n')}`);
  expect(told.join('\n\n')).toBe('');
}
