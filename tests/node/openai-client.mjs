// The client of OpenAI against a gateway: lists, asks, streams, calls a tool of its own, looks at a picture, uses the Responses
// API, leaves in the middle. Speaks JSON lines on standard output; the last one is the verdict.
//
//   node openai-client.mjs PORT   with the shared secret on standard input, first line
import OpenAI from 'openai';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const port = Number(process.argv[2]);
const token = readFileSync(0, 'utf8').split('\n')[0].trim();
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: token, maxRetries: 0, timeout: 20_000 });
const ask = (content, more = {}) => ({ model: 'openclaw', messages: [{ role: 'user', content }], ...more });
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'the weather of a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};
const ASKS = 'DO: tool get_weather {"city":"Rome"}; say "in Rome: " . toolresult';

const steps = {
  async list() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert(ids.includes('openclaw') && ids.includes('openclaw/main'), ids.join());
    assert.equal((await client.models.retrieve('openclaw')).object, 'model');
    await assert.rejects(client.models.retrieve('nobody'), OpenAI.NotFoundError);
  },
  async chat() {
    const answer = await client.chat.completions.create(ask('ECHO hello'));
    assert.equal(answer.choices[0].message.content, 'hello');
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert(answer.usage.total_tokens > 0);
    const wrong = client.chat.completions.create({ ...ask('x'), model: 'gpt-4' });
    await assert.rejects(wrong, (error) => error instanceof OpenAI.BadRequestError && /gpt-4/.test(error.message));
    const stranger = new OpenAI({ baseURL: client.baseURL, apiKey: 'wrong', maxRetries: 0 });
    await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
  },
  async session() {
    const user = `conversation-${process.pid}`;
    await client.chat.completions.create(ask('REMEMBER 41', { user }));
    const answer = await client.chat.completions.create(ask('RECALL', { user }));
    assert.equal(answer.choices[0].message.content, '41');
  },
  async stream() {
    const stream = await client.chat.completions.create(
      ask('DO: piece 3; say "one two three"', { stream: true, stream_options: { include_usage: true } }),
    );
    let text = '';
    let usage;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, 'one two three');
    assert(usage.total_tokens > 0);
  },
  async tools() {
    const messages = ask(ASKS).messages;
    const first = await client.chat.completions.create({ model: 'openclaw', messages, tools: [weather] });
    const { message, finish_reason } = first.choices[0];
    assert.equal(finish_reason, 'tool_calls');
    assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments), { city: 'Rome' });
    messages.push(message, { role: 'tool', tool_call_id: message.tool_calls[0].id, content: 'sun' });
    const second = await client.chat.completions.create({ model: 'openclaw', messages, tools: [weather] });
    assert.equal(second.choices[0].message.content, 'in Rome: sun');
  },
  async toolRunner() {
    // The client's own loop: it reads the stream, calls the function, goes on by itself.
    const runner = client.chat.completions.runTools({
      ...ask(ASKS),
      stream: true,
      tools: [{ ...weather, function: { ...weather.function, function: ({ city }) => `rain over ${city}`, parse: JSON.parse } }],
    });
    assert.equal(await runner.finalContent(), 'in Rome: rain over Rome');
  },
  async picture() {
    const content = [
      { type: 'text', text: 'ECHO seen' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
    ];
    const answer = await client.chat.completions.create({ model: 'openclaw', messages: [{ role: 'user', content }] });
    assert.equal(answer.choices[0].message.content, 'seen');
  },
  async responses() {
    const whole = await client.responses.create({ model: 'openclaw', input: 'ECHO whole' });
    assert.equal(whole.output_text, 'whole');
    const stream = client.responses.stream({ model: 'openclaw', input: 'DO: piece 2; say "in pieces"' });
    let text = '';
    stream.on('response.output_text.delta', (event) => (text += event.delta));
    const end = await stream.finalResponse();
    assert.equal(text, 'in pieces');
    assert.equal(end.output_text, 'in pieces');
    const tool = { type: 'function', name: 'get_weather', parameters: weather.function.parameters, strict: false };
    const wants = await client.responses.create({ model: 'openclaw', input: ASKS, tools: [tool] });
    const call = wants.output.find((item) => item.type === 'function_call');
    assert.deepEqual(JSON.parse(call.arguments), { city: 'Rome' });
    const done = await client.responses.create({
      model: 'openclaw',
      previous_response_id: wants.id,
      tools: [tool],
      input: [{ type: 'function_call_output', call_id: call.call_id, output: 'snow' }],
    });
    assert.equal(done.output_text, 'in Rome: snow');
  },
  async embeddings() {
    const made = await client.embeddings.create(
      { model: 'openclaw', input: ['a', 'bb'] },
      { headers: { 'x-openclaw-model': 'fake/fake-1' } },
    );
    assert.deepEqual(made.data.map((row) => row.embedding[0]), [1, 2]);
  },
  async abort() {
    const stream = await client.chat.completions.create(ask('DO: slow 100; piece 1; say words(400)', { stream: true }));
    let pieces = 0;
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta?.content && ++pieces === 2) stream.controller.abort();
    }
    assert(pieces >= 2);
  },
};

let failed;
for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    say({ step: name });
  } catch (error) {
    failed = { step: name, error: String(error?.stack ?? error) };
    break;
  }
}
say(failed ? { verdict: 'failed', ...failed } : { verdict: 'passed', steps: Object.keys(steps) });
