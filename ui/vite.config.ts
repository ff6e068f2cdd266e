import { readFileSync } from 'node:fs';
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** The languages are compiled to plain functions: only the sentences that are used are shipped. */
const messages = () =>
  paraglideVitePlugin({
    project: './project.inlang',
    outdir: './src/paraglide',
    // Which one is `i18n/language.svelte.ts`'s to say: it is chosen while the page stands.
    strategy: ['globalVariable', 'baseLocale'],
  });

export default defineConfig({
  // Relative, so that the same files work on a gateway's `/`, behind a base path, and in the app.
  base: './',
  plugins: [messages(), svelte()],
  define: { __UI_VERSION__: JSON.stringify(version) },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: ['es2022', 'chrome111', 'safari16.4', 'firefox114'],
    // A gateway's policy is `default-src 'self'`: nothing may be inlined as a data URL or a script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 250,
  },
  server: { port: 5173, strictPort: true, host: '127.0.0.1' },
});
