import { page, userEvent } from 'vitest/browser';
import { describe, expect, it } from 'vitest';
import { card, MemoryDesktop, MemoryTransport } from '../testing/memory-transport';
import { expectAccessible, renderApp } from '../testing/render';
import { RequestError } from '../transport/types';

const SESSION = 'agent:main:main';

function approval(id: string, more: Record<string, unknown> = {}) {
  return {
    id,
    createdAtMs: Date.now(),
    expiresAtMs: Date.now() + 600_000,
    request: {
      command: 'git push origin main', cwd: '/home/ada/work', agentId: 'main', sessionKey: SESSION,
      allowedDecisions: ['allow-once', 'allow-always', 'deny'], ...more,
    },
  };
}

function gateway(waiting: unknown[] = []) {
  const transport = new MemoryTransport();
  transport.desktop = new MemoryDesktop();
  transport.cards = [card('main', 18_789)];
  transport.answers = {
    'agents.list': () => ({ defaultId: 'main', mainKey: 'main' }),
    'sessions.subscribe': () => ({}),
    'sessions.messages.subscribe': () => ({}),
    'sessions.messages.unsubscribe': () => ({}),
    'sessions.list': () => ({ sessions: [] }),
    'chat.history': () => ({ messages: [], sessionInfo: { activeRunIds: [] } }),
    'exec.approval.list': () => waiting,
    'exec.approval.resolve': () => ({ ok: true }),
    'question.list': () => ({ questions: [] }),
    'question.resolve': () => ({ status: 'answered', answers: { answers: {} } }),
  };
  const said = (method: string) => transport.asked.filter((one) => one.method === method).map(({ params }) => params);
  return { transport, said };
}

describe('approvals', () => {
  it('tell enough to decide: what, where, for whom, until when, and what Always would mean', async () => {
    const { transport } = gateway([
      approval('a1', { resolvedPath: '/usr/bin/git', turnSourceChannel: 'telegram', turnSourceTo: '55120417', sessionKey: 'agent:main:telegram:direct:55120417', warningText: 'not in the allowlist' }),
      approval('a2', { allowedDecisions: ['allow-once', 'deny'] }),
    ]);
    await renderApp(transport, '#/approvals');
    transport.connect('main');
    const first = page.getByTestId('approval-a1');
    for (const words of ['git push origin main', '/home/ada/work', '/usr/bin/git', 'by 55120417 on Telegram', 'telegram 55120417', 'not in the allowlist', 'Always means this program with these arguments in this folder']) {
      await expect.element(first).toHaveTextContent(words);
    }
    await expect.element(first.getByTestId('approval-left')).toHaveTextContent(/^(9|10) min, until \d\d:\d\d/);
    const second = page.getByTestId('approval-a2');
    await expect.element(second).toHaveTextContent('It is asked each time');
    expect(second.getByTestId('allow-always').elements()).toEqual([]);
    await first.getByTestId('approval-session').click();
    await expect.poll(() => location.hash).toBe('#/chat/main/agent%3Amain%3Atelegram%3Adirect%3A55120417');
  });

  it('are asked in the conversation, and answered by keyboard', async () => {
    const { transport, said } = gateway();
    await renderApp(transport, '#/chat');
    transport.connect('main');
    await expect.element(page.getByTestId('chat-empty')).toBeVisible();
    transport.emit('main', 'exec.approval.requested', approval('a1'));
    await expect.element(page.getByTestId('approval-command')).toHaveTextContent('git push origin main');
    await expect.element(page.getByTestId('approval-a1')).toHaveTextContent('/home/ada/work');
    await expectAccessible();
    (document.querySelector('[data-testid="allow-once"]') as HTMLElement).focus();
    await userEvent.keyboard('{Tab}{Enter}');
    await expect.poll(() => said('exec.approval.resolve')).toEqual([{ id: 'a1', decision: 'allow-always' }]);
    await expect.element(page.getByTestId('approval-a1')).not.toBeInTheDocument();
  });

  it('of another conversation stay on their page, and go when somebody else answers', async () => {
    const { transport } = gateway([approval('a1', { sessionKey: 'agent:main:other', allowedDecisions: ['allow-once', 'deny'] })]);
    await renderApp(transport, '#/approvals');
    transport.connect('main');
    await expect.element(page.getByTestId('approval-a1')).toBeVisible();
    await expect.element(page.getByTestId('allow-always')).not.toBeInTheDocument();
    transport.emit('main', 'exec.approval.resolved', { id: 'a1', decision: 'deny' });
    await expect.element(page.getByTestId('approvals-empty')).toBeVisible();
    await page.getByTestId('nav-chat').click();
    await expect.element(page.getByTestId('chat-empty')).toBeVisible();
    transport.emit('main', 'exec.approval.requested', approval('a2', { sessionKey: 'agent:main:other' }));
    await expect.element(page.getByTestId('approval-a2')).not.toBeInTheDocument();
  });

  it('say when somebody was faster', async () => {
    const waiting: unknown[] = [approval('a1')];
    const { transport } = gateway(waiting);
    transport.answers['exec.approval.resolve'] = () => {
      waiting.length = 0;
      throw new RequestError('INVALID_REQUEST', 'approval already resolved: deny by phone');
    };
    await renderApp(transport, '#/approvals');
    transport.connect('main');
    await page.getByTestId('allow-once').click();
    await expect.element(page.getByText('approval already resolved: deny by phone')).toBeVisible();
    await expect.element(page.getByTestId('approvals-empty')).toBeVisible();
  });
});

describe('questions', () => {
  it('are answered with an option or in own words', async () => {
    const { transport, said } = gateway();
    await renderApp(transport, '#/chat');
    transport.connect('main');
    await expect.element(page.getByTestId('chat-empty')).toBeVisible();
    const question = {
      id: 'q1', sessionKey: SESSION, createdAtMs: Date.now(), expiresAtMs: Date.now() + 600_000, status: 'pending',
      questions: [{ questionId: 'color', header: 'Colour', question: 'Which colour?', options: [{ label: 'Red' }, { label: 'Blue' }], isOther: true }],
    };
    transport.emit('main', 'question.requested', question);
    await expect.element(page.getByTestId('question-answer')).toBeDisabled();
    await expectAccessible();
    await page.getByLabelText('Blue').click();
    await page.getByTestId('question-answer').click();
    await expect.poll(() => said('question.resolve')).toEqual([{ id: 'q1', answers: { answers: { color: ['Blue'] } } }]);
    transport.emit('main', 'question.requested', { ...question, id: 'q2' });
    await page.getByPlaceholder('Or in your own words').fill('a light green');
    await userEvent.keyboard('{Enter}');
    await expect.poll(() => said('question.resolve').at(-1)).toEqual({ id: 'q2', answers: { answers: { color: ['a light green'] } } });
  });
});
