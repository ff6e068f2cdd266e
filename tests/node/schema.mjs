// What the published schema says about a method or an event: by the names of its definitions, which follow the names of the
// methods, with the exceptions below.
import Ajv from 'ajv';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as official from '@openclaw/gateway-protocol';

const require = createRequire(import.meta.url);
const path = require.resolve('@openclaw/gateway-protocol').replace(/dist\/.*$/, 'protocol.schema.json');
export const schema = JSON.parse(readFileSync(path, 'utf8'));
const ajv = new Ajv({ strict: false, allErrors: true, discriminator: false });
ajv.addSchema(schema, 'protocol');
const validators = new Map();

/** Definitions that are not called after their method. */
const PARAMS = {
  'agent.identity.get': 'AgentIdentityParams',
  connect: 'ConnectParams',
  'device.scopes.requestUpgrade': 'ScopeUpgradeRequest',
  'device.scopes.waitUpgrade': 'ScopeUpgradeWait',
  'sessions.viewers.set': 'SessionsViewerPresenceSetParams',
  'tasks.dismiss': 'TasksRecoveryParams',
  'tasks.retry': 'TasksRecoveryParams',
};
const RESULTS = {
  'agent.identity.get': 'AgentIdentityResult',
  'config.schema': 'ConfigSchemaResponse',
  connect: 'HelloOk',
  'cron.get': 'CronJob',
  'cron.update': 'CronJob',
  'device.scopes.requestUpgrade': 'ScopeUpgradeRegistration',
  'device.scopes.waitUpgrade': 'ScopeUpgradeResult',
  'exec.approvals.get': 'ExecApprovalsSnapshot',
  'exec.approvals.node.get': 'ExecApprovalsNodeSnapshot',
  'exec.approvals.node.set': 'ExecApprovalsNodeSnapshot',
  'exec.approvals.set': 'ExecApprovalsSnapshot',
  'sessions.goal.clear': 'SessionsGoalMutationResult',
  'sessions.goal.update': 'SessionsGoalMutationResult',
  'sessions.groups.delete': 'SessionsGroupsMutationResult',
  'sessions.groups.put': 'SessionsGroupsMutationResult',
  'sessions.groups.rename': 'SessionsGroupsMutationResult',
  'sessions.viewers.set': 'SessionsViewerPresenceSetResult',
  'tasks.dismiss': 'TasksRecoveryResult',
  'tasks.retry': 'TasksRecoveryResult',
};
/** Lists whose rows are described, though the list is not: method or event, key of the rows, definition. */
const ROWS = {
  'cron.list': ['jobs', 'CronJob'],
  'cron.runs': ['entries', 'CronRunLogEntry'],
  presence: ['presence', 'PresenceEntry'],
  'system-presence': [undefined, 'PresenceEntry'],
};
const EVENTS = {
  agent: 'AgentEvent',
  chat: 'ChatEvent',
  'device.pair.requested': 'DevicePairRequestedEvent',
  'device.pair.resolved': 'DevicePairResolvedEvent',
  'device.pair.setup.completed': 'DevicePairSetupCompletedEvent',
  'device.pair.setup.deliveryUncertain': 'DevicePairSetupDeliveryUncertainEvent',
  'node.invoke.input': 'NodeInvokeInputEvent',
  'node.invoke.request': 'NodeInvokeRequestEvent',
  'question.requested': 'QuestionRecord',
  'question.resolved': 'QuestionResolvedEvent',
  'session.approval': 'SessionApprovalEvent',
  'session.operation': 'SessionOperationEvent',
  shutdown: 'ShutdownEvent',
  'task.suggestion': 'TaskSuggestionEvent',
  tick: 'TickEvent',
  'users.prefs.changed': 'UsersPrefsChangedEvent',
};

/** Keys that the measured gateway (2026.9.6) sends and the published schema (2026.9.1) does not have yet. */
const YOUNGER = {
  AgentEvent: ['/agentId', '/sessionId', '/sessionKey'],
  AgentsFilesGetResult: ['/file/hash'],
  AgentsFilesSetResult: ['/file/hash'],
  HelloOk: ['/snapshot/health/modelRuntime', '/snapshot/presence/*/clientId'],
  ModelsListResult: ['/models/*/local'],
  PresenceEntry: ['/clientId'],
  ChannelsStatusResult: ['/statusIssues'],
  CronJob: ['/effectiveAgentId'],
  SystemInfoResult: ['/processMemory'],
};

const camel = (name) => name.split(/[.-]/).map((part) => part[0].toUpperCase() + part.slice(1)).join('');
const known = (name) => (schema.definitions[name] ? name : undefined);

/** The definition of a method's parameters, of its result, of an event's payload; none where nothing is published. */
export const paramsOf = (method) => PARAMS[method] ?? known(`${camel(method)}Params`);
export const resultOf = (method) => RESULTS[method] ?? known(`${camel(method)}Result`);
export const payloadOf = (event) => EVENTS[event];
/** The rows of a list, each with its definition: `[[row, definition], …]`. */
export function rowsOf(name, value) {
  if (!ROWS[name]) return [];
  const [key, definition] = ROWS[name];
  const rows = key ? value?.[key] : value;
  return Array.isArray(rows) ? rows.map((row) => [row, definition]) : [[rows, definition]];
}
/** Whether a method is in the published table. */
export const isPublished = (method) => Boolean(schema.methods[method]);

function validator(name) {
  if (!validators.has(name)) {
    if (!schema.definitions[name]) throw new Error(`the published schema has no ${name}`);
    validators.set(name, ajv.compile({ $ref: `protocol#/definitions/${name}` }));
  }
  return validators.get(name);
}

/** What is wrong with a value, in words; undefined when it is as the definition says. Asks the package's own validator too. */
export function problem(name, value) {
  const validate = validator(name);
  const theirs = official[`validate${name}`];
  if (validate(value)) return theirs && !theirs(value) ? 'refused by the official validator' : undefined;
  const isYounger = (e) => e.keyword === 'additionalProperties'
    && YOUNGER[name]?.includes(`${e.instancePath.replace(/\/\d+(?=\/|$)/g, '/*')}/${e.params.additionalProperty}`);
  // Of the branches of a choice, the errors of the one that got furthest say most.
  const errors = validate.errors.filter((e) => !isYounger(e)).sort((a, b) => b.instancePath.length - a.instancePath.length);
  if (errors.length === 0) return undefined;
  return errors.slice(0, 5).map((e) => `${e.instancePath || '/'} ${e.message} ${Object.values(e.params)[0] ?? ''}`).join('; ');
}

/** Spoiled copies of a value that its definition must refuse: a required key dropped, a value of a wrong type. */
export function spoiled(name, value) {
  let definition = schema.definitions[name];
  while (definition?.$ref) definition = schema.definitions[definition.$ref.split('/').pop()];
  const copies = [];
  for (const key of definition?.required ?? []) {
    const { [key]: dropped, ...rest } = value;
    copies.push([`without ${key}`, rest]);
    const type = definition.properties?.[key]?.type;
    if (type) copies.push([`${key} of a wrong type`, { ...value, [key]: type === 'object' ? 7 : { wrong: true } }]);
  }
  return copies;
}
