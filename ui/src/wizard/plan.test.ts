import { describe, expect, it } from 'vitest';
import type { Detection } from '../bindings/commands';
import { NOTHING } from '../testing/memory-transport';
import { botId, draftOf, fresh, plan, portsFit, readDraft, resumePage, suggestPorts } from './plan';

const nothing = NOTHING;

function answered() {
  const answers = fresh();
  Object.assign(answers.model, { choice: 'key', provider: 'anthropic', api: 'anthropic', baseUrl: 'https://api.anthropic.com', modelId: 'm', apiKey: 'SECRET-key' });
  answers.main.bot = { use: true, token: '111111:SECRET-token-of-main-bot-x', apiRoot: '' };
  answers.rescue.bot = { use: true, token: '222222:SECRET-token-of-rescue-bot', apiRoot: 'http://127.0.0.1:1' };
  answers.proxy = { use: true, url: 'http://user:SECRET-pass@proxy:3128/' };
  return answers;
}

describe('the draft', () => {
  it('holds no secret, and the answers keep theirs', () => {
    const answers = answered();
    const draft = draftOf('review', answers);
    expect(JSON.stringify(draft)).not.toContain('SECRET');
    expect(draft.answers.proxy.url).toBe('http://proxy:3128/');
    expect(answers.model.apiKey).toBe('SECRET-key');
  });

  it('holds no secret in a proxy address that is no address', () => {
    const answers = answered();
    answers.proxy.url = 'user:SECRET@proxy';
    expect(JSON.stringify(draftOf('main', answers))).not.toContain('SECRET');
  });

  it('comes back as it went, and goes back to where a secret is asked', () => {
    const draft = readDraft(JSON.parse(JSON.stringify(draftOf('review', answered()))))!;
    expect(draft.page).toBe('review');
    expect(draft.answers.model.provider).toBe('anthropic');
    expect(resumePage(draft)).toBe('model');
    draft.answers.model.choice = 'skip';
    expect(resumePage(draft)).toBe('main-bot');
    draft.answers.main.bot.use = false;
    expect(resumePage(draft)).toBe('rescue-bot');
    draft.answers.rescue.use = false;
    expect(resumePage(draft)).toBe('review');
  });

  it('never resumes in the middle of creating', () => {
    expect(draftOf('running', fresh()).page).toBe('review');
  });

  it.each([null, 7, 'x', {}, { version: 2 }, { version: 1 }, { version: 1, answers: null }])('that is %j is none', (raw) => {
    expect(readDraft(raw)).toBeNull();
  });

  it('that is damaged keeps what fits', () => {
    const draft = readDraft({ version: 1, page: 'nowhere', answers: { main: { port: 'x', workspace: '/w', bot: 5 }, rescue: { port: 20_000 } } })!;
    expect(draft.page).toBe('welcome');
    expect(draft.answers.main).toMatchObject({ port: 18_789, workspace: '/w', bot: { use: null } });
    expect(draft.answers.rescue.port).toBe(20_000);
  });
});

describe('the plan', () => {
  it('names two isolated profiles with their own bots', () => {
    const made = plan(answered());
    expect(made.model).toMatchObject({ provider: 'anthropic', apiKey: 'SECRET-key' });
    expect(made.profiles.map(({ name, port, owner }) => [name, port, owner])).toEqual([['main', 18_789, 'desktop'], ['rescue', 19_789, 'desktop']]);
    const wished = answered();
    wished.rescue.service = true;
    expect(plan(wished).profiles.map(({ owner }) => owner)).toEqual(['desktop', 'service']);
    expect(made.profiles[1]!.telegram).toEqual({ botToken: '222222:SECRET-token-of-rescue-bot', apiRoot: 'http://127.0.0.1:1' });
    expect(made.profiles[0]!.proxy).toContain('proxy:3128');
  });

  it('keeps an OpenClaw as main: only the one that watches it is made', () => {
    const answers = answered();
    Object.assign(answers.main, { origin: 'attach', from: '/home/ada/.openclaw' });
    const kept = plan(answers);
    expect(kept.main).toEqual({ kind: 'openclaw', from: '/home/ada/.openclaw' });
    expect(kept.import).toBeUndefined();
    expect(kept.profiles.map(({ name }) => name)).toEqual(['rescue']);
  });

  it('imports an OpenClaw into main, without its own bot', () => {
    const answers = answered();
    Object.assign(answers.main, { origin: 'import', from: '/home/ada/.openclaw', workspace: '/not/asked' });
    const imported = plan(answers);
    expect(imported.import).toEqual({ kind: 'openclaw', from: '/home/ada/.openclaw' });
    expect(imported.main).toBeUndefined();
    expect(imported.profiles[0]).toMatchObject({ name: 'main', workspace: null, telegram: null, owner: 'desktop' });
    expect(imported.profiles[1]).toMatchObject({ name: 'rescue' });
  });

  it('leaves out what was skipped', () => {
    const answers = answered();
    answers.model.choice = 'skip';
    answers.main.bot.use = false;
    answers.rescue.use = false;
    expect(plan(answers)).toMatchObject({ model: null, profiles: [{ name: 'main', telegram: null }] });
  });
});

describe('ports', () => {
  it('move out of the way of what was found', () => {
    const found: Detection = { ...nothing, openclaw: [{ profile: null, stateDir: '~/.openclaw', port: 18_789, version: null, bots: 1, running: true }], portsInUse: [{ port: 19_850, program: 'x', pid: 1, profile: null }] };
    const { main, rescue } = suggestPorts(fresh(), found);
    expect(main).toBe(18_900);
    expect(rescue).toBe(19_851);
  });

  it('are refused when too close, allowed with an overlap', () => {
    const answers = fresh();
    answers.rescue.port = 18_805;
    expect(portsFit(answers, nothing)).toBe(false);
    answers.rescue.port = 18_820;
    expect(portsFit(answers, nothing)).toBe(true);
  });
});

describe('the id of a bot', () => {
  it('is the number in its token, and nothing else', () => {
    expect(botId(' 123456789:AAabcdefghijklmnopqrstuvwxyz0123456 ')).toBe('123456789');
    for (const wrong of ['', 'abc', '12:short', '123456789', 'x:AAabcdefghijklmnopqrstuvwxyz0123456']) expect(botId(wrong)).toBeNull();
  });
});
