// The README's moving picture: a real drill. Main and rescue are made in a home of their own and run; a browser opens
// rescue's page, presses the button, and what the page shows is kept ten times a second until main is well again.
//   npm --prefix docs/pictures run drill -- [target/release/bulkhead]
// Needs the npm packages of `ui` and a Chromium.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import sharp from 'sharp';

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const load = createRequire(pathToFileURL(at('ui/package.json')));
const { chromium: playwright } = load('playwright-core');
const { chromium } = await import(pathToFileURL(at('ui/scripts/chromium.mjs')));
const bulkhead = process.argv[2] ?? at('target/release/bulkhead');
const out = fileURLToPath(new URL('drill.webp', import.meta.url));
const id = (name) => `[data-testid="${name}"]`;

const home = mkdtempSync(join(tmpdir(), 'bulkhead-drill-'));
const env = { PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: home, XDG_CONFIG_HOME: join(home, '.config') };
const run = (args, input) => {
  const done = spawnSync(bulkhead, args, { env, input, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`bulkhead ${args.join(' ')} failed: ${done.stderr}${done.stdout}`);
  return done.stdout;
};
const profile = (name) => ({ name, owner: 'external', telegram: null });
const plan = { version: 1, action: 'create', plan: { secrets: 'file', model: null, profiles: [profile('main'), profile('rescue')] } };
const children = [];
let browser;
try {
  run(['onboard', '--plan', '-', '--json'], JSON.stringify(plan));
  for (const name of ['main', 'rescue']) {
    children.push(spawn(bulkhead, ['--profile', name, 'gateway', 'supervise', '--until-stdin-ends'], { env, stdio: ['pipe', 'ignore', 'ignore'] }));
  }
  let url;
  for (let tries = 0; !url && tries < 100; tries++) {
    await new Promise((next) => setTimeout(next, 200));
    const asked = spawnSync(bulkhead, ['--profile', 'rescue', 'dashboard', '--no-open', '--json'], { env, encoding: 'utf8' });
    url = /https?:\/\/[^"\s]+/.exec(asked.stdout)?.[0];
  }
  browser = await playwright.launch(chromium());
  const page = await browser.newPage({ viewport: { width: 1000, height: 860 }, colorScheme: 'light', locale: 'en-GB', reducedMotion: 'reduce' });
  page.setDefaultTimeout(60_000);
  await page.goto(url);
  await page.waitForSelector(id('composer'));
  await page.evaluate(() => (location.hash = '#/rescue'));
  await page.waitForSelector(id('drill-open'));
  // Rescue knows main for a while before it is taken down.
  await page.waitForTimeout(15_000);
  await page.locator(id('drill-open')).scrollIntoViewIfNeeded();

  const frames = [];
  let shooting = true;
  const began = Date.now();
  const shoot = (async () => {
    while (shooting) {
      const png = await page.screenshot();
      frames.push({ at: Date.now() - began, png });
      await new Promise((next) => setTimeout(next, 60));
    }
  })();
  await page.waitForTimeout(800);
  await page.click(id('drill-open'));
  await page.waitForTimeout(900);
  await page.check('input[value="kill"]');
  await page.waitForTimeout(600);
  await page.click(id('drill-start'));
  await page.locator(id('drill-repaired')).scrollIntoViewIfNeeded();
  await page.waitForSelector(`${id('drill-repaired')}[data-state="done"]`);
  await page.waitForTimeout(1_500);
  shooting = false;
  await shoot;

  // A frame that shows what the one before it shows only lasts longer.
  const kept = [];
  for (const frame of frames) {
    const raw = await sharp(frame.png).resize(800).raw().toBuffer({ resolveWithObject: true });
    const last = kept.at(-1);
    if (last && Buffer.compare(last.raw.data, raw.data) === 0) continue;
    kept.push({ at: frame.at, raw });
  }
  const end = frames.at(-1).at + 2_500;
  const delay = kept.map((frame, index) => Math.max(20, (kept[index + 1]?.at ?? end) - frame.at));
  const pictures = await Promise.all(kept.map(({ raw }) => sharp(raw.data, { raw: raw.info }).png().toBuffer()));
  await sharp(pictures, { join: { animated: true } }).webp({ quality: 70, effort: 6, loop: 0, delay, mixed: true }).toFile(out);
  console.log(`drill.webp: ${kept.length} of ${frames.length} frames, ${(end / 1000).toFixed(1)} s, ${Math.round(statSync(out).size / 1000)} kB`);
  console.log(await page.locator(id('drill-steps')).innerText());
} finally {
  await browser?.close();
  for (const child of children) child.stdin.end();
  await Promise.all(children.map((child) => child.exitCode !== null || new Promise((ended) => child.once('exit', ended))));
  rmSync(home, { recursive: true, force: true });
}
