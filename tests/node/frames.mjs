// Checks frames of a gateway against the published schema: the envelope, and what is in it where the schema describes it.
import { paramsOf, payloadOf, problem, resultOf, rowsOf } from './schema.mjs';

/** What the checkers of several connections have in common. */
export class Record {
  constructor() {
    this.seen = { events: {}, results: {} };
    this.errors = [];
    /** Some results of each method and payloads of each event, for comparisons. */
    this.results = new Map();
    this.payloads = new Map();
    /** Every value that was checked, one of each definition. */
    this.checked = new Map();
  }
}

const MANY = 40;
function keep(map, name, value) {
  if (!map.has(name)) map.set(name, []);
  if (map.get(name).length < MANY) map.get(name).push(value);
}

/** Checks one connection. */
export class FrameChecker {
  constructor(record = new Record()) {
    this.record = record;
    this.methods = new Map();
    this.lastSeq = undefined;
  }

  get errors() { return this.record.errors; }

  get seen() { return this.record.seen; }

  check(name, value, place) {
    if (!name) return;
    const found = problem(name, value);
    if (found) this.errors.push(`${place} is no ${name}: ${found}`);
    else if (!this.record.checked.has(name)) this.record.checked.set(name, value);
  }

  /** A frame that a client sent. */
  sent(frame) {
    this.check('RequestFrame', frame, `request ${frame.method}`);
    if (frame.id) this.methods.set(frame.id, frame.method);
    if (frame.params !== undefined) this.check(paramsOf(frame.method), frame.params, `params of ${frame.method}`);
  }

  /** A frame that the gateway sent. */
  received(frame) {
    if (frame.type === 'event') {
      this.event(frame);
      return;
    }
    this.check('ResponseFrame', frame, 'a response');
    const method = this.methods.get(frame.id);
    if (!method) this.errors.push(`a response to an id that nobody asked: ${frame.id}`);
    if (!frame.ok) return;
    const { seen, results } = this.record;
    seen.results[method] = (seen.results[method] ?? 0) + 1;
    keep(results, method, frame.payload);
    this.check(resultOf(method), frame.payload, `result of ${method}`);
    for (const [row, name] of rowsOf(method, frame.payload)) this.check(name, row, `a row of ${method}`);
  }

  event(frame) {
    this.check('EventFrame', frame, `event ${frame.event}`);
    const { seen, payloads } = this.record;
    seen.events[frame.event] = (seen.events[frame.event] ?? 0) + 1;
    keep(payloads, frame.event, frame.payload);
    this.check(payloadOf(frame.event), frame.payload, `payload of ${frame.event}`);
    for (const [row, name] of rowsOf(frame.event, frame.payload)) this.check(name, row, `a row of ${frame.event}`);
    if (frame.event === 'connect.challenge') {
      this.lastSeq = undefined;
      if (frame.seq !== undefined) this.errors.push('connect.challenge has a seq');
    } else if (frame.seq !== undefined) {
      const expected = (this.lastSeq ?? 0) + 1;
      if (frame.seq !== expected) this.errors.push(`event ${frame.event} has seq ${frame.seq}, expected ${expected}`);
      this.lastSeq = frame.seq;
    }
  }
}
