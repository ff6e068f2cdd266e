// What a person downloads, gzipped: `npm run build && npm run size`. Fails over 250 kB for everything,
// or when something that belongs to tests got in.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const LIMIT = 250_000;
const A2UI = 200_000;
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
let total = 0;
let strange = false;
for (const name of readdirSync(dist, { recursive: true })) {
  if (!/\.(js|css|html|svg)$/.test(name)) continue;
  const bytes = readFileSync(dist + name);
  const size = gzipSync(bytes, { level: 9 }).length;
  // A part of the gateway's pages, not of this one; somebody else's, so it may hold what ours may not.
  if (/^a2ui[\\/]/.test(name)) {
    console.log(`A2UI renderer: ${(size / 1000).toFixed(1)} kB gzipped, limit ${A2UI / 1000} kB`);
    strange ||= size > A2UI;
    continue;
  }
  total += size;
  if (bytes.includes('ada_main_bot')) {
    console.error(`${name} holds the demo world`);
    strange = true;
  }
  if (/\beval\(|new Function\(|https?:\/\/cdn\./.test(bytes.toString())) {
    console.error(`${name} evaluates text or fetches from elsewhere`);
    strange = true;
  }
}
console.log(`${(total / 1000).toFixed(1)} kB gzipped, limit ${LIMIT / 1000} kB`);
if (total > LIMIT || strange) process.exitCode = 1;
