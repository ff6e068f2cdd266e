import './styles/tokens.css';
import './styles/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { applyTheme } from './state/appearance';
import './i18n/language.svelte';
import { m } from './paraglide/messages.js';
import { Shell } from './state/shell.svelte';
import type { Transport } from './transport/types';

async function transport(): Promise<Transport> {
  if (import.meta.env.MODE === 'demo') {
    const { demoTransport } = await import('./testing/demo');
    return demoTransport(new URLSearchParams(location.search));
  }
  if ('__TAURI_INTERNALS__' in window) {
    const { TauriTransport } = await import('./transport/tauri');
    const app = new TauriTransport();
    void app.open().catch((error: unknown) => console.error('the app did not open its channel', error));
    return app;
  }
  const [{ WebSocketTransport }, { takeTokenFromAddress }] = await Promise.all([
    import('./transport/websocket'),
    import('./transport/token'),
  ]);
  takeTokenFromAddress(location, history, sessionStorage);
  const browser = new WebSocketTransport(location, sessionStorage);
  browser.open();
  return browser;
}

applyTheme();
// Painted before any gateway, and even the app itself, has answered.
const target = document.getElementById('app')!;
transport()
  .then((chosen) => mount(App, { target, props: { shell: new Shell(chosen) } }))
  .catch((error: unknown) => {
    // Nothing of ours is there to draw with: plain words, and the rest for the console.
    target.textContent = m.start_failed({ reason: error instanceof Error ? error.message : String(error) });
    console.error(error);
  });
