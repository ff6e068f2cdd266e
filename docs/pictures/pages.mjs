// The README's still pictures, from the screenshots that the web UI's tests make: `npm --prefix ui run screenshots`, then
// `npm --prefix docs/pictures run pages`. Fails when one is missing or heavier than a README should carry.
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const LIMIT = 150_000;
const here = fileURLToPath(new URL('.', import.meta.url));
const shots = fileURLToPath(new URL('../../ui/screenshots/', import.meta.url));
/** Name here, and the scene of ui/scripts/screenshots.mjs. */
const PICTURES = { home: 'home', chat: 'chat-tool', rescue: 'rescue', wizard: 'wizard-4-rescue' };

for (const [name, scene] of Object.entries(PICTURES)) {
  for (const look of ['light', 'dark']) {
    const out = `${here}${name}-${look}.png`;
    await sharp(`${shots}${scene}-${look}.png`).png({ palette: true, quality: 90, effort: 10, compressionLevel: 9 }).toFile(out);
    const { size } = statSync(out);
    console.log(`${name}-${look}.png ${Math.round(size / 1000)} kB`);
    if (size > LIMIT) throw new Error(`${out} has ${size} bytes, at most ${LIMIT} belong into a README`);
  }
}
