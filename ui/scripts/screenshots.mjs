// Every page, light and dark, at 1100×760, from the demo world: `npm run screenshots [name…]`.
// Fails when a page breaks the content policy, logs an error, or scrolls sideways.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium as playwright } from 'playwright-core';
import { build } from 'vite';
import { chromium } from './chromium.mjs';
import { serve } from './serve.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = `${root}screenshots`;
const id = (name) => `[data-testid="${name}"]`;

async function wizardTo(page, last) {
  const steps = {
    model: async () => {
      await page.click(id('wizard-next'));
      await page.check(id('model-detected-0'), { force: true });
      await page.waitForSelector(`${id('model-check')}[data-state="ok"]`);
    },
    main: async () => page.click(id('wizard-next')),
    bot: async () => {
      await page.click(id('wizard-next'));
      await page.check(id('main-bot-use'), { force: true });
      await page.fill(id('main-bot-token'), '777000111:AAexampleexampleexampleexampleexample');
      await page.waitForSelector(`${id('main-bot-check')}[data-state="ok"]`);
    },
    rescue: async () => page.click(id('wizard-next')),
    rescueBot: async () => {
      await page.click(id('wizard-next'));
      await page.check(id('rescue-bot-use'), { force: true });
      await page.fill(id('rescue-bot-token'), '777000222:AAexampleexampleexampleexampleexample');
      await page.waitForSelector(`${id('rescue-bot-check')}[data-state="ok"]`);
    },
    credentials: async () => {
      await page.click(id('wizard-next'));
      await page.waitForSelector(`${id('keychain-check')}[data-state="ok"]`);
    },
    review: async () => {
      await page.click(id('wizard-next'));
      await page.waitForSelector(`${id('isolation-check')}[data-state="ok"]`);
    },
    running: async () => {
      await page.click(id('wizard-create'));
      await page.waitForSelector(id('wizard-finish'));
      await page.waitForSelector(id('pairing-request'));
    },
  };
  await page.waitForSelector(`${id('detection')}[data-state="done"]`);
  for (const [name, step] of Object.entries(steps)) {
    await step();
    if (name === last) return;
  }
}

const SCENES = {
  home: ['home', '#/home', (page) => page.waitForSelector(id('card-rescue'))],
  trouble: ['trouble', '#/home', (page) => page.waitForSelector(id('card-dev'))],
  chat: ['home', '#/chat', async (page) => {
    await page.waitForSelector(id('message-assistant'));
  }],
  'chat-tool': ['home', '#/chat', async (page) => {
    await page.click(`${id('tool-call')} summary`);
  }],
  'chat-streaming': ['empty', '#/chat', async (page) => {
    await page.waitForSelector(id('chat-empty'));
    await page.fill(id('composer'), 'How are my two gateways doing?');
    await page.press(id('composer'), 'Enter');
    await page.waitForSelector('[data-state="streaming"] table');
  }],
  'chat-empty': ['empty', '#/chat', (page) => page.waitForSelector(id('chat-empty'))],
  'chat-down': ['trouble', '#/chat', (page) => page.waitForSelector(id('composer'))],
  logs: ['home', '#/logs', (page) => page.waitForSelector('.line')],
  'logs-together': ['home', '#/logs', async (page) => {
    await page.check(id('logs-profile-*'), { force: true });
    await page.waitForSelector('.line .who');
    await page.locator('.line').nth(12).click();
  }],
  rescue: ['home', '#/rescue', (page) => page.waitForSelector(id('watch-strip'))],
  'rescue-incident': ['incident', '#/rescue', async (page) => {
    await page.click(id('remedy-rollback'));
    await page.waitForSelector(id('remedy-question'));
  }],
  sessions: ['home', '#/sessions', async (page) => {
    await page.waitForSelector(id('session-row'));
    await page.locator(id('session-menu')).nth(2).click();
  }],
  'sessions-search': ['home', '#/sessions', async (page) => {
    await page.fill(id('sessions-search'), 'papers');
    await page.waitForSelector(id('session-hit'));
    await page.click(id('session-menu'));
    await page.click(id('session-menu-archive'));
    await page.waitForSelector(id('said-undo'));
  }],
  'sessions-delete': ['home', '#/sessions', async (page) => {
    await page.locator(id('session-menu')).nth(2).click();
    await page.click(id('session-menu-delete'));
    await page.waitForSelector(id('session-delete'));
  }],
  'sessions-empty': ['none', '#/sessions', (page) => page.waitForSelector(id('sessions-empty'))],
  schedules: ['home', '#/schedules', async (page) => {
    await page.locator(id('job-menu')).nth(1).click();
    await page.click(id('job-menu-history'));
    await page.locator(id('job-run')).first().waitFor();
  }],
  'schedules-edit': ['home', '#/schedules', async (page) => {
    await page.locator(id('job-menu')).nth(1).click();
    await page.click(id('job-menu-edit'));
    await page.waitForSelector(id('job-form'));
  }],
  'schedules-empty': ['none', '#/schedules', (page) => page.waitForSelector(id('schedules-empty'))],
  config: ['home', '#/config', async (page) => {
    await page.waitForSelector(id('config-text'));
    await page.locator('[data-path="gateway.port"] input').fill('19789');
  }],
  'config-text': ['home', '#/config', async (page) => {
    const text = page.locator(id('config-text'));
    await text.fill((await text.inputValue()).replace('"info"', '"debug"').replace('600', '900'));
    await page.click(id('config-review'));
    await page.waitForSelector(id('config-diff'));
  }],
  models: ['home', '#/models', async (page) => {
    await page.click(id('probe-anthropic'));
    await page.click(id('probe-ollama'));
    await page.waitForSelector(`${id('probe-ollama-result')}[data-state="failed"]`);
  }],
  channels: ['home', '#/channels', (page) => page.waitForSelector(id('pairing-request'))],
  devices: ['home', '#/devices', (page) => page.waitForSelector(id('device-request'))],
  'devices-code': ['home', '#/devices', async (page) => {
    await page.fill(id('setup-url'), 'wss://gateway.example');
    await page.click(id('setup-make'));
    await page.waitForSelector(id('setup-code'));
    await page.locator(id('setup-code')).scrollIntoViewIfNeeded();
  }],
  'models-change': ['home', '#/models', async (page) => {
    await page.click(id('change-anthropic'));
    await page.fill(id('model-api-key'), 'sk-ant-example');
    await page.click(id('model-test'));
    await page.waitForSelector(`${id('model-check')}[data-state="ok"]`);
  }],
  'models-fallbacks': ['home', '#/models', async (page) => {
    await page.click(id('models-order'));
    await page.selectOption(id('fallback-add'), 'anthropic/claude-haiku-4-5');
  }],
  'config-history': ['home', '#/config', async (page) => {
    await page.click(id('config-history-open'));
    await page.waitForSelector(id('config-history-diff'));
    await page.click(id('config-history-confirm'));
    await page.waitForSelector(id('config-rollback-ask'));
  }],
  approvals: ['asking', '#/approvals', (page) => page.waitForSelector(id('approval-a2'))],
  'approvals-empty': ['home', '#/approvals', (page) => page.waitForSelector(id('approvals-empty'))],
  secrets: ['home', '#/secrets', (page) => page.waitForSelector(id('secret'))],
  'secrets-replace': ['home', '#/secrets', async (page) => {
    await page.locator(id('secret-replace')).nth(2).click();
    await page.fill(id('secret-value'), '777000111:AAexample');
  }],
  doctor: ['home', '#/doctor', (page) => page.waitForSelector(`${id('doctor-verdict')}[data-state="bad"]`)],
  'doctor-looking': ['slow', '#/doctor', (page) => page.waitForSelector(`${id('doctor-check-config')}[data-state="running"]`)],
  'doctor-healthy': ['none', '#/doctor', (page) => page.waitForSelector(`${id('doctor-verdict')}[data-state="good"]`)],
  usage: ['home', '#/usage', (page) => page.waitForSelector(id('usage-day'))],
  skills: ['home', '#/skills', (page) => page.waitForSelector(id('skill'))],
  diagnostics: ['home', '#/settings', async (page) => {
    await page.click(id('settings-diagnostics'));
    await page.locator(id('diagnostics-file')).nth(2).click();
  }],
  settings: ['home', '#/settings', (page) => page.waitForSelector(id('version'))],
  login: ['login', '', (page) => page.waitForSelector(id('login'))],
  browser: ['browser', '#/chat', (page) => page.waitForSelector(id('message-assistant'))],
  'wizard-1-welcome': ['first', '', (page) => page.waitForSelector(`${id('detection')}[data-state="done"]`)],
  'wizard-2-model': ['first', '', (page) => wizardTo(page, 'model')],
  'wizard-2-model-failed': ['first', '', async (page) => {
    await page.waitForSelector(`${id('detection')}[data-state="done"]`);
    await page.click(id('wizard-next'));
    await page.check(id('model-custom'), { force: true });
    await page.fill(id('model-base-url'), 'http://127.0.0.1:9999/v1');
    await page.fill(id('model-id'), 'local');
    await page.click(id('model-test'));
    await page.waitForSelector(`${id('model-check')}[data-state="failed"]`);
  }],
  'wizard-3-main': ['first', '', (page) => wizardTo(page, 'main')],
  'wizard-3-bot': ['first', '', (page) => wizardTo(page, 'bot')],
  'wizard-4-rescue': ['first', '', (page) => wizardTo(page, 'rescue')],
  'wizard-4-rescue-close': ['first', '', async (page) => {
    await wizardTo(page, 'rescue');
    await page.fill(id('port-rescue'), '18860');
  }],
  'wizard-5-credentials': ['first', '', (page) => wizardTo(page, 'credentials')],
  'wizard-6-review': ['first', '', (page) => wizardTo(page, 'review')],
  'wizard-7-running': ['first', '', (page) => wizardTo(page, 'running')],
};

await build({ root, mode: 'demo', logLevel: 'warn', build: { outDir: 'dist-demo' } });
const server = await serve(`${root}dist-demo`);
const browser = await playwright.launch(chromium());
mkdirSync(out, { recursive: true });
const wanted = process.argv.slice(2);
const problems = [];
for (const [name, [scene, hash, act]] of Object.entries(SCENES)) {
  if (wanted.length && !wanted.some((one) => name.startsWith(one))) continue;
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({ viewport: { width: 1100, height: 760 }, colorScheme, reducedMotion: 'reduce', locale: 'en-GB' });
    const page = await context.newPage();
    page.setDefaultTimeout(8_000);
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && problems.push(`${name} ${colorScheme}: ${message.text()}`));
    page.on('pageerror', (error) => problems.push(`${name} ${colorScheme}: ${error.message}`));
    try {
      await page.goto(`${server.url}?scene=${scene}${hash}`);
      await act(page);
      await page.waitForTimeout(150);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      if (wide) problems.push(`${name} ${colorScheme}: scrolls sideways`);
    } catch (error) {
      problems.push(`${name} ${colorScheme}: ${error.message.split('\n')[0]}`);
    }
    await page.screenshot({ path: `${out}/${name}-${colorScheme}.png` });
    await context.close();
  }
  console.log(name);
}
await browser.close();
server.close();
if (problems.length) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
}
