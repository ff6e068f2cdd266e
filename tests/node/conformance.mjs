// Every served method, asked by the official client over a seeded gateway: what is sent and what comes back, events too, is
// checked against the published schema. Leaves FOLDER/conformance.json: what was answered, and the verdict.
//
//   node conformance.mjs PORT FOLDER   with the shared secret on standard input, first line
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { CALLS } from './calls.mjs';
import { program } from './clients.mjs';
import { Record } from './frames.mjs';
import { startProxy } from './proxy.mjs';
import { isPublished, problem, spoiled } from './schema.mjs';

const [port, folder] = [Number(process.argv[2]), process.argv[3]];
const token = readFileSync(0, 'utf8').split('\n')[0].trim();
mkdirSync(folder, { recursive: true });
const record = new Record();
const proxy = await startProxy({ port, record });
const admin = program(proxy.url, token);
const failures = [];
const covered = new Set();

const hello = await admin.connect();
const served = new Set(hello.features.methods);
const state = {
  admin, folder, token, url: proxy.url,
  serves: (method) => served.has(method),
  /** Asks, if the gateway serves it; a failure is noted and the run goes on. */
  async call(method, params, keep, { by = admin, mayFail, ...options } = {}) {
    if (!served.has(method)) return undefined;
    covered.add(method);
    try {
      const answer = await by.request(method, typeof params === 'function' ? params(state) : params, options);
      keep?.(answer, state);
      return answer;
    } catch (error) {
      if (!mayFail?.test(error.message)) failures.push(`${method}: ${error.message}`);
      return undefined;
    }
  },
};

for (const row of CALLS) {
  try {
    if (typeof row === 'function') await row(state);
    else await state.call(...row);
  } catch (error) {
    failures.push(`a scene: ${error.message} ${String(error.stack).split('\n')[1]?.trim()}`);
  }
}
admin.stop();
proxy.close();

// The same checks refuse what is spoiled: a required key dropped, a value of a wrong type.
let mutations = 0;
for (const [name, value] of record.checked) {
  for (const [what, copy] of spoiled(name, value)) {
    mutations += 1;
    if (!problem(name, copy)) failures.push(`${name} ${what} was not refused`);
  }
}
const uncovered = [...served].filter((method) => !covered.has(method));
const unsent = hello.features.events.filter((event) => !record.payloads.has(event));
writeFileSync(`${folder}/conformance.json`, JSON.stringify({
  results: Object.fromEntries(record.results), payloads: Object.fromEntries(record.payloads),
  served: served.size, published: [...covered].filter(isPublished).length, covered: [...covered].sort(), uncovered,
  events: [...record.payloads.keys()].sort(), unsent, mutations, failures, errors: [...new Set(record.errors)],
}));
process.exit(0);
