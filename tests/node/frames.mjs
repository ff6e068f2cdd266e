// Checks frames of a gateway against the published schema: the envelope, and the payload where the schema names one.
import Ajv from 'ajv';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const path = require.resolve('@openclaw/gateway-protocol').replace(/dist\/.*$/, 'protocol.schema.json');
const schema = JSON.parse(readFileSync(path, 'utf8'));
const ajv = new Ajv({ strict: false, allErrors: true, discriminator: false });
ajv.addSchema(schema, 'protocol');
const validators = new Map();

/** Validator of a definition of the schema. */
function definition(name) {
  if (!validators.has(name)) {
    if (!schema.definitions[name]) throw new Error(`the published schema has no ${name}`);
    validators.set(name, ajv.compile({ $ref: `protocol#/definitions/${name}` }));
  }
  return validators.get(name);
}

/** Payloads that the published schema describes. */
const EVENT_PAYLOADS = {
  agent: 'AgentEvent',
  chat: 'ChatEvent',
  shutdown: 'ShutdownEvent',
  tick: 'TickEvent',
};
const RESULT_PAYLOADS = {
  'agents.list': 'AgentsListResult',
  'channels.pairing.approve': 'ChannelsPairingApproveResult',
  'channels.pairing.list': 'ChannelsPairingListResult',
  'channels.status': 'ChannelsStatusResult',
  'config.schema': 'ConfigSchemaResponse',
  'logs.tail': 'LogsTailResult',
  'models.list': 'ModelsListResult',
  'sessions.messages.subscribe': 'SessionsMessagesSubscribeResult',
};
const PARAMS = {
  agent: 'AgentParams',
  'agent.wait': 'AgentWaitParams',
  'chat.abort': 'ChatAbortParams',
  'chat.history': 'ChatHistoryParams',
  'chat.send': 'ChatSendParams',
};

export class FrameChecker {
  constructor() {
    this.methods = new Map();
    this.seen = { events: {}, results: {} };
    this.errors = [];
    this.lastSeq = undefined;
  }

  check(name, value, place) {
    if (!schema.definitions[name]) return;
    const validate = definition(name);
    if (!validate(value)) {
      const found = validate.errors.slice(0, 4).map((e) => `${e.instancePath || '/'} ${e.message}`);
      this.errors.push(`${place} is no ${name}: ${found.join('; ')}`);
    }
  }

  /** A frame that a client sent. */
  sent(frame) {
    this.check('RequestFrame', frame, `request ${frame.method}`);
    if (frame.id) this.methods.set(frame.id, frame.method);
    if (PARAMS[frame.method]) this.check(PARAMS[frame.method], frame.params, `params of ${frame.method}`);
  }

  /** A frame that the gateway sent. */
  received(frame) {
    if (frame.type === 'event') {
      this.check('EventFrame', frame, `event ${frame.event}`);
      this.seen.events[frame.event] = (this.seen.events[frame.event] ?? 0) + 1;
      if (EVENT_PAYLOADS[frame.event]) this.check(EVENT_PAYLOADS[frame.event], frame.payload, `payload of ${frame.event}`);
      if (frame.event === 'presence') {
        for (const entry of frame.payload.presence) this.check('PresenceEntry', entry, 'a presence entry');
      }
      if (frame.event === 'connect.challenge') {
        this.lastSeq = undefined;
        if (frame.seq !== undefined) this.errors.push('connect.challenge has a seq');
      } else if (frame.seq !== undefined) {
        const expected = (this.lastSeq ?? 0) + 1;
        if (frame.seq !== expected) this.errors.push(`event ${frame.event} has seq ${frame.seq}, expected ${expected}`);
        this.lastSeq = frame.seq;
      }
      return;
    }
    this.check('ResponseFrame', frame, 'a response');
    const method = this.methods.get(frame.id);
    if (!method) this.errors.push(`a response to an id that nobody asked: ${frame.id}`);
    if (!frame.ok) return;
    this.seen.results[method] = (this.seen.results[method] ?? 0) + 1;
    if (method === 'connect') this.check('HelloOk', frame.payload, 'hello-ok');
    if (RESULT_PAYLOADS[method]) this.check(RESULT_PAYLOADS[method], frame.payload, `result of ${method}`);
  }
}
