// A client while its gateway restarts: it asks for the restart in the middle of an answer, hears the answer's end, the goodbye
// with the time that it takes, and comes back by itself.
//
//   node restart.mjs PORT   with the shared secret on standard input, first line; the last line is the verdict
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { newIdentity, terminal } from './clients.mjs';

const token = readFileSync(0, 'utf8').split('\n')[0].trim();
const client = terminal(`ws://127.0.0.1:${process.argv[2]}`, token, newIdentity());
await client.connect();
await client.request('sessions.subscribe', {});
const sessionKey = 'agent:main:restart';
await client.request('sessions.messages.subscribe', { key: sessionKey });

const runId = randomUUID();
const of = (state) => (payload) => payload.runId === runId && payload.state === state;
const begun = client.event('chat', of('delta'));
const ended = client.event('chat', of('final'));
const goodbye = client.event('shutdown');
await client.request('chat.send', { sessionKey, message: 'SLOW 100', deliver: false, idempotencyKey: runId });
await begun;
const preflight = await client.request('gateway.restart.preflight', {});
const back = client.nextHello();
const asked = await client.request('gateway.restart.request', { reason: 'a test' });
const again = await client.request('gateway.restart.request', { reason: 'a test' });
const order = [];
ended.then(() => order.push('answer'));
goodbye.then(() => order.push('goodbye'));
const { payload: shutdown } = await goodbye;
await back;
const { messages } = await client.request('chat.history', { sessionKey, limit: 20 });
client.stop();
const text = (message) => [message.content].flat().map((part) => part.text ?? part).join('');
process.stdout.write(`${JSON.stringify({
  verdict: 'over', preflight, asked: asked.status, again: again.status, order, shutdown, said: messages.map(text),
})}\n`);
