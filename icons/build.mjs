// Makes every icon file from glyph.svg: `npm --prefix ui run icons`. The results are committed, so that a
// build needs neither Node nor this.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const load = createRequire(new URL('../ui/package.json', import.meta.url));
const { Resvg } = load('@resvg/resvg-js');
const png2icons = load('png2icons');

const source = readFileSync(`${here}glyph.svg`, 'utf8');
const shape = (id) => {
  const found = new RegExp(`id="${id}"[^>]*\\sd="([^"]+)"`).exec(source);
  if (!found) throw new Error(`glyph.svg has no path with the id ${id}`);
  return found[1];
};
const svg = (body, size = 32) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}">${body}</svg>`;
const png = (text, size) => new Resvg(text, { fitTo: { mode: 'width', value: size } }).render().asPng();
const write = (name, bytes) => writeFileSync(`${here}${name}`, bytes);

// --- the app: the glyph in white on a tile ---
/** `share`: how much of the tile the glyph takes; small sizes need more of it to be read. */
function app(margin, radius, share) {
  const inner = 32 - 2 * margin;
  const scale = (inner * share) / 32;
  const at = 16 - 16 * scale;
  return svg(`
    <defs><linearGradient id="sea" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#1a7f9f"/><stop offset="1" stop-color="#0a4a61"/></linearGradient></defs>
    <rect x="${margin}" y="${margin}" width="${inner}" height="${inner}" rx="${radius}" fill="url(#sea)"/>
    <g transform="translate(${at} ${at}) scale(${scale})">
      <path d="${shape('water')}" fill="#8fd3e8"/>
      <path d="${shape('hull')}" fill="none" stroke="#fff" stroke-width="3" stroke-linejoin="round"/>
      <path d="${shape('wall')}" fill="none" stroke="#fff" stroke-width="3"/>
    </g>`);
}

// --- the tray: two compartments; what is in them tells the state, the colour says it again ---
const LEFT = 'M3 4h11.500v25H12a9 9 0 0 1-9-9Z';
const RIGHT = 'M17.500 4H29v16a9 9 0 0 1-9 9h-2.500Z';
const LEFT_LINE = 'M4.500 5.500H13v22h-1A7.500 7.500 0 0 1 4.500 20Z';
const RIGHT_LINE = 'M19 5.500h8.500V20a7.500 7.500 0 0 1-7.500 7.500h-1Z';
const RIGHT_HALF = 'M17.500 17H29v3a9 9 0 0 1-9 9h-2.500Z';
const CROSS = 'm19.500 11.500 8.500 9.500m0-9.500-8.500 9.500';

const full = (d) => `<path d="${d}" fill="currentColor"/>`;
const line = (d) => `<path d="${d}" fill="none" stroke="currentColor" stroke-width="3" stroke-linejoin="round"/>`;
const STATES = {
  // Both compartments dry and sound.
  well: ['#2a93b0', full(LEFT) + full(RIGHT)],
  // One of them half: starting, or running with a problem.
  attention: ['#b9790a', full(LEFT) + line(RIGHT_LINE) + full(RIGHT_HALF)],
  // One of them gone.
  down: ['#d94a40', full(LEFT) + `<path d="${CROSS}" fill="none" stroke="currentColor" stroke-width="4" stroke-linecap="round"/>`],
  // Nothing runs: two empty ones.
  idle: ['#7d8794', line(LEFT_LINE) + line(RIGHT_LINE)],
};

mkdirSync(`${here}app`, { recursive: true });
mkdirSync(`${here}tray`, { recursive: true });

const flat = app(1, 7, 0.7);
const small = app(0, 6, 0.84);
for (const size of [16, 32, 48, 64, 128, 256, 512]) write(`app/${size}x${size}.png`, png(size <= 32 ? small : flat, size));
write('app/128x128@2x.png', png(flat, 256));
write('app/icon.svg', flat.replace(/\n\s+/g, ''));
// macOS draws its icons with air around the tile.
write('app/icon.icns', png2icons.createICNS(png(app(3.1, 5.8, 0.7), 1024), png2icons.BICUBIC2, 0));
write('app/icon.ico', png2icons.createICO(png(flat, 256), png2icons.BICUBIC2, 0, true, true));
writeFileSync(fileURLToPath(new URL('../ui/public/favicon.svg', import.meta.url)), small.replace(/\n\s+/g, ''));

for (const [state, [colour, body]] of Object.entries(STATES)) {
  const text = (ink) => svg(body).replaceAll('currentColor', ink);
  write(`tray/${state}.svg`, text(colour));
  write(`tray/${state}.png`, png(text(colour), 32));
  write(`tray/${state}@2x.png`, png(text(colour), 64));
  // A template: macOS takes only its transparency and paints it itself.
  write(`tray/${state}-template.png`, png(text('#000'), 36));
  write(`tray/${state}-template@2x.png`, png(text('#000'), 72));
}
