import { page, userEvent } from 'vitest/browser';
import { describe, expect, it } from 'vitest';
import { card, MemoryDesktop, MemoryTransport } from '../testing/memory-transport';
import { renderApp } from '../testing/render';
import { RequestError } from '../transport/types';

const SESSION = 'agent:main:main';

function gateway() {
  const transport = new MemoryTransport();
  transport.desktop = new MemoryDesktop();
  transport.cards = [card('main', 18_789)];
  const written: unknown[] = [];
  const sent: string[] = [];
  transport.answers = {
    'agents.list': () => ({ defaultId: 'main', mainKey: 'main' }),
    'sessions.subscribe': () => ({}),
    'sessions.messages.subscribe': () => ({}),
    'sessions.messages.unsubscribe': () => ({}),
    'sessions.list': () => ({ sessions: [] }),
    'chat.history': () => ({ messages: [...written], sessionInfo: { activeRunIds: [] } }),
    'chat.abort': () => ({ ok: true }),
    'chat.send': ({ idempotencyKey, message }) => {
      const key = String(idempotencyKey);
      if (sent.includes(key)) return { runId: key, status: 'in_flight' };
      sent.push(key);
      written.push({ role: 'user', content: message, idempotencyKey: `${key}:user`, __openclaw: { id: `u-${key}` } });
      return { runId: key, status: 'started' };
    },
  };
  const say = (runId: string, seq: number, state: string, text: string) =>
    transport.emit('main', 'chat', { runId, sessionKey: SESSION, seq, state, message: { role: 'assistant', content: [{ type: 'text', text }] } });
  return { transport, written, sent, say };
}

const messages = () => [...document.querySelectorAll('[data-testid^="message-"]')].map((one) => `${one.getAttribute('data-testid')!.slice(8)} ${one.getAttribute('data-state')}: ${one.querySelector('.words')?.textContent?.trim() ?? ''}`);

async function write(text: string) {
  await page.getByTestId('composer').fill(text);
  await userEvent.keyboard('{Enter}');
}

describe('a conversation', () => {
  it('streams the answer and can be stopped', async () => {
    const { transport, sent, say } = gateway();
    await renderApp(transport, '#/chat');
    transport.connect('main');
    await expect.element(page.getByTestId('chat-empty')).toBeVisible();
    await write('hello');
    await expect.poll(() => sent.length).toBe(1);
    say(sent[0]!, 1, 'delta', 'Hi **there**');
    await expect.poll(messages).toEqual(['user sent: hello', 'assistant streaming: Hi there']);
    await page.getByTestId('chat-abort').click();
    expect(transport.asked.find(({ method }) => method === 'chat.abort')!.params).toEqual({ sessionKey: SESSION, runId: sent[0] });
    say(sent[0]!, 2, 'aborted', 'Hi **there**');
    await expect.poll(messages).toEqual(['user sent: hello', 'assistant aborted: Hi there']);
    await expect.element(page.getByTestId('chat-abort')).not.toBeInTheDocument();
  });

  it('loses nothing and shows nothing twice when the gateway goes away in the middle', async () => {
    const { transport, written, sent, say } = gateway();
    await renderApp(transport, '#/chat');
    transport.connect('main');
    await write('question');
    await expect.poll(() => sent.length).toBe(1);
    say(sent[0]!, 1, 'delta', 'The answ');
    await expect.poll(messages).toEqual(['user sent: question', 'assistant streaming: The answ']);
    transport.lose('main');
    await expect.element(page.getByTestId('connection')).toHaveTextContent('reconnecting');
    written.push({ role: 'assistant', content: 'The answer.', __openclaw: { id: 'a1', runId: sent[0] } });
    transport.connect('main');
    await expect.poll(messages).toEqual(['user sent: question', 'assistant final: The answer.']);
    say(sent[0]!, 2, 'final', 'The answer.');
    await expect.poll(messages).toEqual(['user sent: question', 'assistant final: The answer.']);
    expect(sent).toHaveLength(1);
  });

  it('delivers a message that was lost on the way, once, under its own key', async () => {
    const { transport, sent } = gateway();
    const deliver = transport.answers['chat.send']!;
    const keys: unknown[] = [];
    transport.answers['chat.send'] = ({ idempotencyKey }) => {
      keys.push(idempotencyKey);
      transport.lose('main');
      throw new RequestError('CONNECTION_LOST', 'lost', true);
    };
    await renderApp(transport, '#/chat');
    transport.connect('main');
    await write('important');
    await expect.poll(() => keys.length).toBe(1);
    transport.answers['chat.send'] = deliver;
    transport.connect('main');
    await expect.poll(() => sent).toEqual(keys);
    await expect.poll(messages).toEqual(['user sent: important']);
  });

  it('does not send again what had arrived before the connection broke', async () => {
    const { transport, sent } = gateway();
    const deliver = transport.answers['chat.send']!;
    let calls = 0;
    transport.answers['chat.send'] = (params, profile) => {
      calls += 1;
      void deliver(params, profile);
      transport.lose('main');
      throw new RequestError('CONNECTION_LOST', 'lost', true);
    };
    await renderApp(transport, '#/chat');
    transport.connect('main');
    await write('important');
    await expect.poll(() => sent.length).toBe(1);
    transport.connect('main');
    await expect.poll(messages).toEqual(['user sent: important']);
    expect(calls).toBe(1);
  });

  it('says when the gateway went down before it answered, and asks again when told', async () => {
    const { transport, sent, say } = gateway();
    await renderApp(transport, '#/chat');
    transport.connect('main');
    await write('still there?');
    await expect.poll(() => sent.length).toBe(1);
    expect(page.getByTestId('chat-unanswered').elements()).toHaveLength(0);
    transport.lose('main');
    transport.connect('main');
    await page.getByTestId('chat-ask-again').click();
    await expect.poll(() => sent.length).toBe(2);
    say(sent[1]!, 1, 'final', 'Yes.');
    await expect.poll(messages).toEqual(['user sent: still there?', 'user sent: still there?', 'assistant final: Yes.']);
    await expect.element(page.getByTestId('chat-unanswered')).not.toBeInTheDocument();
  });

  it('asks again what was cut off, when told', async () => {
    const { transport, sent } = gateway();
    const at = Date.now();
    transport.answers['chat.history'] = () => ({
      hasMore: false, sessionInfo: { activeRunIds: [] },
      messages: [
        { role: 'user', content: 'how far is it?', timestamp: at, idempotencyKey: 'k9:user', __openclaw: { id: 'm1', seq: 1 } },
        { role: 'assistant', content: [], timestamp: at + 1, stopReason: 'aborted', interrupted: true, __openclaw: { id: 'm2', seq: 2, runId: 'k9' } },
      ],
    });
    await renderApp(transport, '#/chat');
    transport.connect('main');
    await page.getByTestId('chat-ask-again').click();
    await expect.poll(() => sent.length).toBe(1);
  });

  it('keeps a refused message to be sent again', async () => {
    const { transport, sent } = gateway();
    const deliver = transport.answers['chat.send']!;
    transport.answers['chat.send'] = () => {
      throw new RequestError('INVALID_REQUEST', 'message: found 2 MB.');
    };
    await renderApp(transport, '#/chat');
    transport.connect('main');
    await write('long');
    await expect.element(page.getByText('Not sent. message: found 2 MB.')).toBeVisible();
    transport.answers['chat.send'] = deliver;
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect.poll(() => sent.length).toBe(1);
  });

  it('keeps another session out', async () => {
    const { transport } = gateway();
    await renderApp(transport, '#/chat');
    transport.connect('main');
    await expect.element(page.getByTestId('chat-empty')).toBeVisible();
    transport.emit('main', 'chat', { runId: 'x', sessionKey: 'agent:main:telegram:direct:1', seq: 1, state: 'final', message: { content: 'not here' } });
    transport.emit('main', 'chat', { runId: 'y', sessionKey: SESSION, seq: 1, state: 'final', message: { content: 'here' } });
    await expect.poll(messages).toEqual(['assistant final: here']);
  });

  it('opens links outside and copies code', async () => {
    const { transport, written } = gateway();
    written.push({ role: 'assistant', content: '[there](https://example.org/x)\n\n```sh\nls\n```', __openclaw: { id: 'a' } });
    await renderApp(transport, '#/chat');
    transport.connect('main');
    await page.getByRole('link', { name: 'there' }).click();
    expect(transport.opened).toEqual(['https://example.org/x']);
    await expect.element(page.getByRole('button', { name: 'Copy this code' })).toBeVisible();
  });

  it('has a line for a new conversation, and remembers what was typed in each', async () => {
    const { transport } = gateway();
    await renderApp(transport, '#/chat');
    transport.connect('main');
    await expect.element(page.getByTestId('chat-empty')).toBeVisible();
    await page.getByTestId('composer').fill('half a thought');
    await page.getByTestId('chat-new').click();
    await expect.element(page.getByTestId('composer')).toHaveValue('');
    expect(page.getByTestId('session').elements().length).toBeGreaterThan(0);
  });
});
