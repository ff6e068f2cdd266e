import { describe, expect, it } from 'vitest';
import { Transcript } from './transcript';

const user = (id: string, text: string, key?: string) => ({ role: 'user', content: text, timestamp: 1, ...(key ? { idempotencyKey: `${key}:user` } : {}), __openclaw: { id } });
const answer = (id: string, text: string, runId: string, more: object = {}) => ({ role: 'assistant', content: [{ type: 'text', text }], timestamp: 2, stopReason: 'stop', ...more, __openclaw: { id, runId } });
const calls = (id: string, text: string, runId: string, tool: string) => ({
  role: 'assistant', content: [{ type: 'text', text }, { type: 'toolCall', id: tool, name: 'read', arguments: { path: 'a' } }], timestamp: 2, __openclaw: { id, runId },
});
const toolResult = (id: string, tool: string, text: string, isError = false) => ({ role: 'toolResult', toolCallId: tool, toolName: 'read', isError, content: [{ type: 'text', text }], __openclaw: { id } });
const chat = (runId: string, seq: number, state: string, text = '', more: object = {}) => ({
  runId, seq, state, sessionKey: 's', ...(text ? { deltaText: '', message: { role: 'assistant', content: [{ type: 'text', text }] } } : {}), ...more,
});

const shown = (transcript: Transcript) => transcript.entries.map(({ message, state }) => `${message.role} ${state}: ${message.text}`);

describe('one turn', () => {
  it('that the gateway cut off is shown as interrupted, with and without words', () => {
    const transcript = new Transcript();
    const cut = (id: string, text: string) => answer(id, text, id, { stopReason: 'aborted', interrupted: true, ...(text === '' ? { errorMessage: 'cut off' } : {}) });
    transcript.load({ messages: [cut('a1', 'Partly'), cut('a2', '')], active: [] });
    expect(shown(transcript)).toEqual(['assistant interrupted: Partly', 'assistant interrupted: ']);
  });

  it('is sent, streams, ends, and is written, without showing twice or changing its place', () => {
    const transcript = new Transcript();
    transcript.outgoing('k', 'hello', 1);
    transcript.mark('k', 'sent');
    const mine = transcript.entries[0]!.local;
    transcript.written(user('u1', 'hello', 'k'));
    transcript.chat(chat('k', 1, 'status', '', { phase: 'preparing_context' }), 2);
    expect(transcript.entries[1]).toMatchObject({ phase: 'preparing_context', state: 'streaming' });
    transcript.chat(chat('k', 2, 'delta', 'Hi'), 2);
    transcript.chat(chat('k', 3, 'delta', 'Hi there'), 2);
    const theirs = transcript.entries[1]!.local;
    expect(shown(transcript)).toEqual(['user sent: hello', 'assistant streaming: Hi there']);
    transcript.chat(chat('k', 4, 'final', 'Hi there.'), 2);
    transcript.written(answer('a1', 'Hi there.', 'k'), { id: 'a1' });
    transcript.load({ messages: [user('u1', 'hello', 'k'), answer('a1', 'Hi there.', 'k')], active: [] });
    expect(shown(transcript)).toEqual(['user sent: hello', 'assistant final: Hi there.']);
    expect(transcript.entries.map(({ local }) => local)).toEqual([mine, theirs]);
  });

  it('may be written before it is told to be final', () => {
    const transcript = new Transcript();
    transcript.chat(chat('k', 1, 'delta', 'Hi'), 1);
    transcript.written(answer('a1', 'Hi', 'k'));
    transcript.chat(chat('k', 2, 'final', 'Hi'), 1);
    expect(shown(transcript)).toEqual(['assistant final: Hi']);
  });

  it('needs no deltas', () => {
    const transcript = new Transcript();
    transcript.chat(chat('k', 1, 'final', 'Hi'), 1);
    expect(shown(transcript)).toEqual(['assistant final: Hi']);
    const late = new Transcript();
    late.load({ messages: [answer('a1', 'Hi', 'k')], active: [] });
    late.chat(chat('k', 9, 'final', 'Hi'), 1);
    expect(shown(late)).toEqual(['assistant final: Hi']);
  });

  it('that says nothing shows nothing', () => {
    const transcript = new Transcript();
    transcript.chat(chat('k', 1, 'status', '', { phase: 'starting_model' }), 1);
    transcript.chat(chat('k', 2, 'final'), 1);
    expect(shown(transcript)).toEqual([]);
  });

  it('adds pieces when only pieces come, and begins again when told', () => {
    const transcript = new Transcript();
    transcript.chat({ runId: 'k', seq: 1, state: 'delta', deltaText: 'a' }, 1);
    transcript.chat({ runId: 'k', seq: 2, state: 'delta', deltaText: 'b' }, 1);
    expect(shown(transcript)).toEqual(['assistant streaming: ab']);
    transcript.chat({ runId: 'k', seq: 3, state: 'delta', deltaText: 'c', replace: true }, 1);
    expect(shown(transcript)).toEqual(['assistant streaming: c']);
  });

  it('ignores repeats and stragglers of a run', () => {
    const transcript = new Transcript();
    transcript.chat(chat('k', 5, 'delta', 'new'), 1);
    transcript.chat(chat('k', 4, 'delta', 'old'), 1);
    transcript.chat(chat('k', 5, 'delta', 'old'), 1);
    transcript.chat(chat('k', 6, 'final', 'new'), 1);
    transcript.chat(chat('k', 6, 'final', 'new'), 1);
    expect(shown(transcript)).toEqual(['assistant final: new']);
  });
});

describe('tools', () => {
  it('are folded into the message that called them, live and written', () => {
    const transcript = new Transcript();
    transcript.chat(chat('k', 1, 'delta', 'Looking.'), 1);
    transcript.tool({ runId: 'k', stream: 'tool', data: { phase: 'start', toolCallId: 't1', name: 'read', args: { path: 'a' } } }, 1);
    expect(transcript.entries[0]!.message.tools).toMatchObject([{ id: 't1', state: 'running', name: 'read' }]);
    transcript.tool({ runId: 'k', stream: 'tool', data: { phase: 'result', toolCallId: 't1', result: { content: [{ type: 'text', text: 'found' }] } } }, 1);
    expect(transcript.entries[0]!.message.tools).toMatchObject([{ state: 'done', output: 'found' }]);
    transcript.written(calls('a1', 'Looking.', 'k', 't1'));
    transcript.written(toolResult('r1', 't1', 'found'));
    transcript.chat(chat('k', 2, 'delta', 'Looking. It says x.'), 1);
    expect(shown(transcript)).toEqual(['assistant final: Looking.', 'assistant streaming: It says x.']);
    expect(transcript.entries[0]!.message.tools).toMatchObject([{ id: 't1', state: 'done', output: 'found' }]);
    expect(transcript.entries[1]!.message.tools).toEqual([]);
  });

  it('in a history carry their results, and say when they failed or were interrupted', () => {
    const transcript = new Transcript();
    transcript.load({ messages: [calls('a1', 'x', 'k', 't1'), toolResult('r1', 't1', 'no such file', true), calls('a2', 'y', 'k', 't2')], active: [] });
    expect(transcript.entries.map(({ message }) => message.tools[0])).toMatchObject([
      { id: 't1', failed: true, output: 'no such file', state: 'done' },
      { id: 't2', output: null, state: 'interrupted' },
    ]);
  });
});

describe('a reconnection', () => {
  it('keeps what was sent and not yet seen, and says so', () => {
    const transcript = new Transcript();
    transcript.load({ messages: [user('u0', 'before')], active: [] });
    transcript.outgoing('k', 'on its way', 1);
    transcript.load({ messages: [user('u0', 'before')], active: [] });
    expect(transcript.unconfirmed()).toEqual([{ key: 'k', text: 'on its way' }]);
    transcript.load({ messages: [user('u0', 'before'), user('u1', 'on its way', 'k')], active: ['k'] });
    expect(transcript.unconfirmed()).toEqual([]);
    expect(shown(transcript)).toEqual(['user sent: before', 'user sent: on its way']);
  });

  it('goes on with a run that goes on', () => {
    const transcript = new Transcript();
    transcript.chat(chat('k', 3, 'delta', 'One'), 1);
    transcript.load({ messages: [user('u1', 'q', 'k')], active: ['k'], inFlight: { runId: 'k', text: 'One two' } });
    expect(shown(transcript)).toEqual(['user sent: q', 'assistant streaming: One two']);
    transcript.chat(chat('k', 9, 'delta', 'One two three'), 1);
    expect(shown(transcript)).toEqual(['user sent: q', 'assistant streaming: One two three']);
  });

  it('shows the answer once when the run ended while we were away', () => {
    const transcript = new Transcript();
    transcript.chat(chat('k', 3, 'delta', 'One'), 1);
    transcript.load({ messages: [user('u1', 'q', 'k'), answer('a1', 'One two three', 'k')], active: [] });
    expect(shown(transcript)).toEqual(['user sent: q', 'assistant final: One two three']);
  });

  it('says when the gateway died in the middle', () => {
    const transcript = new Transcript();
    transcript.chat(chat('k', 3, 'delta', 'One'), 1);
    transcript.load({ messages: [user('u1', 'q', 'k'), user('u2', 'later', 'l')], active: [] });
    expect(shown(transcript)).toEqual(['user sent: q', 'assistant interrupted: One', 'user sent: later']);
  });

  it('begins in the middle of a run whose first part is written', () => {
    const transcript = new Transcript();
    transcript.load({ messages: [calls('a1', 'Looking.', 'k', 't1'), toolResult('r1', 't1', 'x')], active: ['k'], inFlight: { runId: 'k', text: 'Looking. It says' } });
    expect(shown(transcript)).toEqual(['assistant final: Looking.', 'assistant streaming: It says']);
  });
});

describe('endings', () => {
  it('keep an error that no history knows, at its place', () => {
    const transcript = new Transcript();
    transcript.load({ messages: [user('u1', 'q', 'k')], active: ['k'] });
    transcript.chat(chat('k', 1, 'delta', 'Par'), 1);
    transcript.chat(chat('k', 2, 'error', '', { errorMessage: 'the model is down' }), 1);
    transcript.load({ messages: [user('u1', 'q', 'k'), user('u2', 'again', 'l'), answer('a2', 'Fine', 'l')], active: [] });
    expect(shown(transcript)).toEqual(['user sent: q', 'assistant failed: Par', 'user sent: again', 'assistant final: Fine']);
    expect(transcript.entries[1]!.message.error).toBe('the model is down');
  });

  it('show what was said before an abort', () => {
    const transcript = new Transcript();
    transcript.chat(chat('k', 1, 'delta', 'Par'), 1);
    transcript.chat(chat('k', 2, 'aborted', 'Partly', { stopReason: 'rpc' }), 1);
    expect(shown(transcript)).toEqual(['assistant aborted: Partly']);
    transcript.load({ messages: [answer('a1', 'Partly', 'k', { stopReason: 'aborted' })], active: [] });
    expect(shown(transcript)).toEqual(['assistant aborted: Partly']);
  });

  it('keep what was refused until it is sent again or thrown away', () => {
    const transcript = new Transcript();
    transcript.outgoing('k', 'x', 1);
    transcript.mark('k', 'unsent', 'too long');
    transcript.load({ messages: [], active: [] });
    expect(shown(transcript)).toEqual(['user unsent: x']);
    expect(transcript.unconfirmed()).toEqual([]);
    transcript.forget('k');
    expect(shown(transcript)).toEqual([]);
  });
});

describe('nonsense from a gateway', () => {
  it.each([null, 7, 'x', [], {}, { role: 'user' }, { role: 'assistant', content: [null, 7, { type: 'text' }] }, { role: 'toolResult' }])('%j shows nothing and breaks nothing', (raw) => {
    const transcript = new Transcript();
    transcript.load({ messages: [raw], active: null });
    transcript.written(raw);
    transcript.chat(raw, 1);
    transcript.tool(raw, 1);
    expect(shown(transcript)).toEqual([]);
  });

  it('shows a message once that a history has twice', () => {
    const transcript = new Transcript();
    transcript.load({ messages: [user('u1', 'x'), user('u1', 'x')], active: [] });
    transcript.written(user('u1', 'x'));
    expect(shown(transcript)).toEqual(['user sent: x']);
  });
});

/** Any order and any loss of events, followed by the history, ends in the history. */
describe('whatever happens on the way', () => {
  it('the end is the same', () => {
    let seed = 11;
    const random = (top: number) => (seed = (seed * 48_271) % 2_147_483_647) % top;
    const truth = [user('u1', 'q', 'k'), calls('a1', 'Looking.', 'k', 't1'), toolResult('r1', 't1', 'x'), answer('a2', 'It says x.', 'k'), user('u2', 'thanks', 'l'), answer('a3', 'Welcome.', 'l')];
    const steps: ((transcript: Transcript) => void)[] = [
      (t) => t.chat(chat('k', 1, 'delta', 'Look'), 1),
      (t) => t.chat(chat('k', 2, 'delta', 'Looking.'), 1),
      (t) => t.tool({ runId: 'k', stream: 'tool', data: { phase: 'start', toolCallId: 't1', name: 'read' } }, 1),
      (t) => t.written(truth[1]),
      (t) => t.written(truth[2]),
      (t) => t.chat(chat('k', 3, 'delta', 'Looking. It says'), 1),
      (t) => t.chat(chat('k', 4, 'final', 'Looking. It says x.'), 1),
      (t) => t.written(truth[3]),
      (t) => t.written(truth[4]),
      (t) => t.chat(chat('l', 1, 'delta', 'Wel'), 1),
      (t) => t.chat(chat('l', 2, 'final', 'Welcome.'), 1),
      (t) => t.written(truth[5]),
      (t) => t.load({ messages: truth.slice(0, 2), active: ['k'] }),
      (t) => t.load({ messages: [], active: null }),
    ];
    for (let round = 0; round < 500; round += 1) {
      const transcript = new Transcript();
      transcript.outgoing('k', 'q', 1);
      for (let step = 0; step < 20; step += 1) steps[random(steps.length)]!(transcript);
      transcript.load({ messages: truth, active: [] });
      expect(shown(transcript)).toEqual(['user sent: q', 'assistant final: Looking.', 'assistant final: It says x.', 'user sent: thanks', 'assistant final: Welcome.']);
    }
  });
});
