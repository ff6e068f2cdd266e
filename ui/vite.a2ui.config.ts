import { defineConfig } from 'vite';

/**
 * The A2UI renderer as one script. A gateway puts it into the page of a surface document: such a page has an origin of its own
 * and fetches nothing, so the script needs nothing else.
 */
export default defineConfig({
  publicDir: false,
  build: {
    outDir: 'dist/a2ui',
    emptyOutDir: true,
    target: ['es2022', 'chrome111', 'safari16.4', 'firefox114'],
    chunkSizeWarningLimit: 1_000,
    lib: { entry: 'src/canvas/a2ui/renderer.ts', formats: ['iife'], name: 'bulkheadA2ui', fileName: () => 'renderer.js' },
  },
});
