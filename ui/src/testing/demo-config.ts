/** A configuration with its schema, for designing pages and for screenshots. */
import type { Answer } from './memory-transport';

const RAW = `{
  // The one that answers on my phone.
  gateway: { mode: "local", port: 18789, bind: "loopback",
    auth: { mode: "token", token: { source: "keychain", id: "gateway/token" } } },
  agents: {
    defaults: {
      workspace: "~/.bulkhead/workspace",
      model: { primary: "anthropic/claude-sonnet-4-5", fallbacks: ["ollama/llama3.2:3b"] },
      timeoutSeconds: 600,
    },
    list: [{ id: "main", default: true }, { id: "reader" }],
  },
  models: { providers: {
    anthropic: { baseUrl: "https://api.anthropic.com", api: "anthropic-messages",
      apiKey: { source: "keychain", id: "models/anthropic/api-key" } },
    ollama: { baseUrl: "http://127.0.0.1:11434", api: "ollama" },
  } },
  logging: { level: "info" },
}
`;

function config() {
  return {
    gateway: { mode: 'local', port: 18_789, bind: 'loopback', auth: { mode: 'token', token: { source: 'keychain', id: 'gateway/token' } } },
    agents: {
      defaults: { workspace: '~/.bulkhead/workspace', model: { primary: 'anthropic/claude-sonnet-4-5', fallbacks: ['ollama/llama3.2:3b'] }, timeoutSeconds: 600 },
      list: [{ id: 'main', default: true }, { id: 'reader' }],
    },
    models: { providers: {
      anthropic: { baseUrl: 'https://api.anthropic.com', api: 'anthropic-messages', apiKey: { source: 'keychain', id: 'models/anthropic/api-key' } },
      ollama: { baseUrl: 'http://127.0.0.1:11434', api: 'ollama' },
    } },
    logging: { level: 'info' },
  };
}

const text = (title: string) => ({ type: 'string', title });
const object = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) => ({ type: 'object', properties, ...more });
const secret = { anyOf: [{ type: 'string' }, object({ source: text('Source'), id: text('Id') })] };
const texts = (title: string) => ({ type: 'array', title, items: { type: 'string' } });

export const SCHEMA = object({
  logging: object({ level: { type: 'string', enum: ['debug', 'info', 'warn', 'error'] } }),
  gateway: object({
    port: { type: 'integer', minimum: 1024, maximum: 65_425 }, bind: { type: 'string', enum: ['loopback', 'lan'] }, trustedProxies: texts('Proxies whose forwarding headers are believed'),
    auth: object({ mode: { type: 'string', enum: ['token', 'password', 'none'] }, token: secret }),
    controlUi: object({ enabled: { type: 'boolean', title: 'Serve the web UI' } }),
  }),
  agents: object({
    defaults: object({ workspace: text('Workspace'), timeoutSeconds: { type: 'integer', title: 'Longest time for one answer' }, model: { anyOf: [text('Model'), object({ primary: text('First choice'), fallbacks: texts('Fallbacks, in order') })] } }),
    list: { type: 'array', title: 'Agents', items: object({ id: text('Agent id') }) },
  }),
  models: object({ providers: { type: 'object', additionalProperties: object({ baseUrl: text('Address'), api: text('Protocol'), apiKey: secret }) } }),
});

export const HINTS = {
  gateway: { label: 'Gateway', help: 'Where the gateway listens, who may connect, and what it serves over HTTP.', order: 10 },
  agents: { label: 'Agents', help: 'Who answers: models, workspaces, names.', order: 20 },
  models: { label: 'Models', help: 'Providers of models, their addresses and keys.', order: 60 },
  logging: { label: 'Logging', help: 'How much is written into the log.', order: 120 },
  'gateway.port': { label: 'Base port' },
  'gateway.bind': { label: 'Addresses to listen on', tags: ['local-only'] },
  'gateway.auth.mode': { label: 'Kind of shared secret' },
  'gateway.auth.token': { label: 'Gateway token', sensitive: true },
  'models.providers.*.apiKey': { label: 'Key', sensitive: true },
  'logging.level': { label: 'Least level' },
};

export function configAnswers(): Record<string, Answer> {
  return {
    'config.get': () => ({ path: '~/.bulkhead/bulkhead.json', hash: 'sha256:1', raw: RAW, config: config(), valid: true, issues: [] }),
    'config.schema': () => ({ schema: SCHEMA, uiHints: HINTS, version: '0.1.0', generatedAt: '' }),
    'config.patch': () => ({ ok: true }),
    'config.apply': () => ({ ok: true }),
  };
}
