import { svelte } from '@sveltejs/vite-plugin-svelte';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { chromium } from './scripts/chromium.mjs';

const define = { __UI_VERSION__: JSON.stringify('0.0.0-test') };

export default defineConfig({
  test: {
    projects: [
      {
        define,
        plugins: [svelte()],
        test: { name: 'unit', environment: 'node', include: ['src/**/*.test.ts'], exclude: ['src/**/*.browser.test.ts'] },
      },
      {
        plugins: [svelte()],
        optimizeDeps: { include: ['axe-core', 'dompurify', 'marked', 'uqr', 'vitest-browser-svelte', '@tauri-apps/api/core'] },
        test: {
          name: 'browser',
          include: ['src/**/*.browser.test.ts'],
          setupFiles: ['src/testing/styles.ts'],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: chromium() }),
            instances: [{ browser: 'chromium', viewport: { width: 1100, height: 760 } }],
          },
        },
      },
    ],
  },
});
