// Every method that a gateway may serve, in an order in which each finds what it works on. A row:
//
//   ['method', params]            asks and checks the answer against the published schema
//   ['method', (s) => params]     parameters that need what earlier answers brought (`s`, the state of the run)
//   ['method', params, (answer, s) => …]   keeps something of the answer
//   async (s) => …                a scene: several clients, waits for events
//
// A method that this gateway does not serve is passed over, so a row may stand here before its method does.
import { randomUUID } from 'node:crypto';
import { newIdentity, node, terminal } from './clients.mjs';

const A = 'agent:main:conformance';
const B = 'agent:main:second';
const again = () => randomUUID();
const now = () => Date.now();

export const CALLS = [
  // How the gateway is.
  ['health', {}], ['health', { probe: true }], ['status', {}], ['status', { includeChannelSummary: false }], ['system-presence', {}],
  ['system.info', {}], ['gateway.identity.get', {}], ['diagnostics.stability', {}], ['diagnostics.lanes', {}],
  ['update.status', {}], ['users.self', {}], ['users.prefs.get', { keys: [] }], ['logs.tail', { limit: 50, maxBytes: 20_000 }],
  ['sessions.subscribe', {}],

  // Agents. A second one, with files of its own.
  ['agents.list', {}], ['agent.identity.get', { sessionKey: A }],
  ['agents.create', (s) => ({ name: 'Helper', workspace: `${s.folder}/helper`, emoji: '🔧' }), (r, s) => { s.helper = r.agentId; }],
  ['agents.update', (s) => ({ agentId: s.helper, name: 'Second helper' })],
  ['agents.files.list', { agentId: 'main' }], ['agents.files.get', { agentId: 'main', name: 'AGENTS.md' }],
  ['agents.files.set', { agentId: 'main', name: 'USER.md', content: '# Who asks\nA test.\n' }],
  ['agents.workspace.list', { agentId: 'main' }], ['agents.workspace.get', { agentId: 'main', path: 'USER.md' }],

  // Chats.
  ['chat.startup', { sessionKey: A, limit: 20 }], ['sessions.messages.subscribe', { key: A, includeApprovals: true }],
  async (s) => {
    const final = (runId) => s.admin.event('chat', (p) => p.runId === runId && ['final', 'error', 'aborted'].includes(p.state));
    s.say = async (sessionKey, message) => {
      const runId = again();
      const end = final(runId);
      await s.call('chat.send', { sessionKey, message, deliver: false, idempotencyKey: runId });
      const { payload } = await end;
      if (payload.state !== 'final') throw new Error(`${message}: ${JSON.stringify(payload)}`);
      return runId;
    };
    s.runId = await s.say(A, 'ECHO one');
    await s.say(A, 'TOOL read {"path":"USER.md"}');
    await s.say(B, 'ECHO two');
    const slow = again();
    const begun = s.admin.event('chat', (p) => p.runId === slow && p.state === 'delta');
    const aborted = s.admin.event('chat', (p) => p.runId === slow && p.state === 'aborted');
    await s.call('chat.send', { sessionKey: B, message: 'SLOW 400', deliver: false, idempotencyKey: slow });
    await begun;
    await s.call('chat.abort', { sessionKey: B, runId: slow });
    await aborted;
    if (!s.serves('sessions.abort')) return;
    const cut = again();
    const stopped = s.admin.event('chat', (p) => p.runId === cut && p.state === 'aborted');
    await s.call('sessions.send', { key: B, message: 'SLOW 400', idempotencyKey: cut }, (r) => { s.cut = r.runId ?? cut; });
    await s.call('sessions.abort', { key: B });
    await Promise.race([stopped, new Promise((done) => setTimeout(done, 2_000))]);
  },
  ['chat.history', { sessionKey: A, limit: 20 }, (r, s) => { s.message = r.messages.find((m) => m.__openclaw?.id)?.__openclaw.id; s.first = r.messages[0]?.__openclaw?.id; }],
  ['chat.startup', { sessionKey: A, limit: 20 }], ['chat.metadata', { sessionKey: A }], ['chat.message.get', (s) => ({ sessionKey: A, messageId: s.message })],
  ['chat.inject', { sessionKey: A, message: 'A note from outside.', label: 'note' }], ['chat.toolTitles', { sessionKey: A, calls: [] }],
  ['commands.list', { sessionKey: A }], ['commands.list', { scope: 'text', includeArgs: true }],
  async (s) => {
    const run = await s.call('agent', { message: 'ECHO three', sessionKey: A, deliver: false, idempotencyKey: again() }, undefined, { expectFinal: true });
    await s.call('agent.wait', { runId: run.runId, timeoutMs: 10_000 });
  },

  // Sessions.
  ['sessions.list', {}], ['sessions.list', { limit: 5, includeDerivedTitles: true, includeLastMessage: true }],
  ['sessions.describe', { key: A }], ['sessions.resolve', { key: A }], ['sessions.preview', { keys: [A, B], limit: 3, maxChars: 80 }],
  ['sessions.get', { key: A }], ['sessions.search', { query: 'one' }],
  ['sessions.create', { key: 'agent:main:made', label: 'made' }, (r, s) => { s.made = r.key; }],
  ['sessions.patch', { key: A, label: 'First', pinned: true }], ['sessions.patchMany', { targets: [{ key: B }], patch: { unread: false } }],
  ['sessions.groups.put', { names: ['work', 'home'] }], ['sessions.groups.list', {}], ['sessions.groups.defaults', {}],
  ['sessions.groups.rename', { name: 'work', to: 'office' }], ['sessions.groups.update', { name: 'office', cwd: null, worktree: false }],
  ['sessions.groups.delete', { name: 'home' }],
  ['sessions.branches.list', { sessionKey: A }, (r, s) => { s.leaf = r.branches[0]?.leafEntryId; }],
  ['sessions.fork', (s) => ({ sessionKey: A, entryId: s.first })], ['sessions.rewind', (s) => ({ sessionKey: A, entryId: s.first })],
  ['sessions.branches.switch', (s) => ({ sessionKey: A, leafEntryId: s.leaf })],
  ['sessions.files.list', { sessionKey: A }], ['sessions.files.get', { sessionKey: A, path: 'USER.md' }, (r, s) => { s.hash = r.file.hash; }],
  ['sessions.files.set', (s) => ({ sessionKey: A, path: 'USER.md', content: '# Who asks\nAnother test.\n', expectedHash: s.hash })],
  ['sessions.viewers.set', { sessionKeys: [A] }], ['sessions.observer.visibility', { sessionKey: A, visible: true }],
  ['sessions.usage', { range: '7d' }], ['sessions.usage.timeseries', { key: A }], ['sessions.usage.logs', { key: A }],
  ['sessions.compact', { key: A, maxLines: 400 }], ['sessions.steer', { key: A, message: 'ECHO four', idempotencyKey: again() }],
  ['sessions.messages.unsubscribe', { key: A }], ['sessions.cleanup', {}], ['sessions.reset', { key: B }],
  ['sessions.delete', (s) => ({ key: s.made ?? B })], ['sessions.recover', { key: A }, undefined, { mayFail: /nothing to recover/ }],
  ['sessions.catalog.list', {}],

  // Models, tools, skills, use.
  ['models.list', {}], ['models.list', { view: 'configured' }], ['models.authStatus', {}], ['models.probe', { provider: 'fake' }],
  ['tools.catalog', {}], ['tools.effective', { sessionKey: A }],
  ['tools.invoke', { name: 'read', args: { path: 'USER.md' }, sessionKey: A, idempotencyKey: again() }],
  ['skills.status', {}, (r, s) => { s.skill = r.skills?.[0]?.skillKey; }],
  ['skills.library.list', { scope: 'all' }, (r, s) => { s.skillId = r.entries[0]?.skillId; }],
  ['skills.library.read', (s) => ({ skillId: s.skillId ?? randomUUID() }), undefined, { mayFail: /skill not found/ }],
  ['skills.update', (s) => ({ skillKey: s.skill ?? 'none', enabled: true }), undefined, { mayFail: /skill/i }],
  ['usage.status', {}], ['usage.cost', {}], ['hooks.status', {}],

  // Configuration.
  ['config.get', {}, (r, s) => { s.baseHash = r.hash; s.raw = r.raw; }], ['config.schema', {}],
  ['config.schema.lookup', { path: 'gateway' }], ['config.schema.lookup', { path: 'agents.defaults' }],
  ['config.patch', (s) => ({ raw: '{ "ui": { "assistant": { "name": "Bench" } } }', baseHash: s.baseHash })],
  ['config.get', {}, (r, s) => { s.baseHash = r.hash; s.raw = r.raw; }],
  ['config.set', (s) => ({ raw: s.raw, baseHash: s.baseHash })],
  ['config.get', {}, (r, s) => { s.baseHash = r.hash; s.raw = r.raw; }],
  ['config.apply', (s) => ({ raw: s.raw, baseHash: s.baseHash })], ['secrets.reload', {}],

  // Setting up: once to the end without a change, once cancelled.
  async (s) => {
    let at = await s.call('wizard.start', { flow: 'channels' });
    if (!at) return;
    const { sessionId } = at;
    await s.call('wizard.status', { sessionId });
    while (!at.done) {
      const { id: stepId, initialValue: value } = at.step;
      at = await s.call('wizard.next', { sessionId, answer: { stepId, value } });
    }
    const again = await s.call('wizard.start', {});
    await s.call('wizard.cancel', { sessionId: again.sessionId });
  },

  // Channels, and the two strangers who wait at the bot.
  ['channels.status', { probe: false, timeoutMs: 8_000 }], ['channels.status', {}],
  ['channels.pairing.list', {}, (r, s) => { s.strangers = r.requests; }],
  ['channels.pairing.approve', (s) => ({ channel: 'telegram', accountId: s.strangers[0].accountId, requestId: s.strangers[0].requestId, notify: false }),
    (r, s) => { s.friend = r.senderId; }],
  ['channels.pairing.dismiss', (s) => ({ channel: 'telegram', accountId: s.strangers[1].accountId, requestId: s.strangers[1].requestId })],
  ['send', (s) => ({ to: s.friend, channel: 'telegram', message: 'Sent by a test.', idempotencyKey: again() })],
  ['channels.stop', { channel: 'telegram' }], ['channels.start', { channel: 'telegram' }], ['channels.logout', { channel: 'telegram' }],

  // Documents for people: one that the agent made, and a page of the caller.
  async (s) => {
    if (!s.serves('canvas.list')) return;
    const changed = s.admin.event('canvas.changed');
    await s.say(A, 'DO: tool canvas {"action":"present","title":"Plan","html":"<p>One</p>"}; say toolresult');
    await changed;
    await s.call('canvas.list', {}, (r) => { s.document = r.documents[0]?.docId; });
    await s.call('canvas.document.view', { docId: s.document });
    await s.call('canvas.document.preview', { html: '<p>Two</p>' });
    await s.call('canvas.act', { docId: s.document, name: 'pressed', idempotencyKey: again() });
    await s.call('canvas.show', { docId: s.document }, undefined, { mayFail: /no connected device/ });
    await s.call('canvas.document.remove', { docId: s.document });
  },

  // What comes by the clock.
  ['cron.add', { name: 'daily', schedule: { kind: 'cron', expr: '0 5 * * *' }, sessionTarget: 'isolated', wakeMode: 'now',
    payload: { kind: 'agentTurn', message: 'ECHO five' }, delivery: { mode: 'none', channel: 'last' } }, (r, s) => { s.job = r.id ?? r.job?.id; }],
  ['cron.list', {}], ['cron.list', { includeDisabled: true, limit: 10 }], ['cron.status', {}], ['cron.get', (s) => ({ id: s.job })],
  ['cron.update', (s) => ({ id: s.job, patch: { name: 'every day', enabled: true } })],
  ['cron.scratch.set', (s) => ({ id: s.job, content: 'kept' })], ['cron.scratch.get', (s) => ({ id: s.job })],
  async (s) => {
    if (!s.serves('cron.run')) return;
    const ended = s.admin.event('cron', (p) => p.jobId === s.job && p.action === 'finished');
    await s.call('cron.run', { id: s.job, mode: 'force' });
    await ended;
  },
  ['cron.runs', (s) => ({ id: s.job, limit: 5 })], ['cron.runs', { scope: 'all' }], ['cron.remove', (s) => ({ id: s.job })],
  ['wake', { mode: 'next-heartbeat', text: 'Look at the bench.' }], ['system-event', { text: 'The bench was looked at.' }],
  ['last-heartbeat', {}], ['set-heartbeats', { enabled: true }],

  // What waits for a person.
  ['exec.approvals.get', {}, (r, s) => { s.policy = r; }],
  ['exec.approvals.set', (s) => ({ file: { version: 1, defaults: s.policy.file?.defaults ?? {}, agents: s.policy.file?.agents ?? {} }, baseHash: s.policy.hash })],
  async (s) => {
    if (!s.serves('exec.approval.request')) return;
    const ask = async (id) => {
      const told = s.admin.event('exec.approval.requested', (p) => p.id === id);
      const asked = s.call('exec.approval.request', { id, command: 'ls -l', cwd: s.folder, agentId: 'main', sessionKey: A, timeoutMs: 60_000 });
      await told;
      return asked;
    };
    const [one, two] = [again(), again()];
    const first = ask(one);
    const second = ask(two);
    await s.admin.event('exec.approval.requested', (p) => p.id === two).catch(() => undefined);
    await s.call('exec.approval.list', {});
    await s.call('plugin.approval.list', {});
    await s.call('openclaw.approval.list', {});
    await s.call('exec.approval.get', { id: one });
    await s.call('approval.get', { id: two });
    const decided = s.call('exec.approval.waitDecision', { id: one });
    const resolved = s.admin.event('exec.approval.resolved', (p) => p.id === one);
    await s.call('exec.approval.resolve', { id: one, decision: 'allow-once' });
    await resolved;
    await decided;
    await s.call('approval.resolve', { id: two, kind: 'exec', decision: 'deny' });
    await Promise.all([first, second]);
    await s.call('approval.history', { limit: 10 });
  },
  async (s) => {
    if (!s.serves('plugin.approval.request')) return;
    const told = s.admin.event('plugin.approval.requested');
    const asked = s.call('plugin.approval.request', { title: 'Send the mail', description: 'To three people.', severity: 'warning', timeoutMs: 60_000 });
    const { id } = (await told).payload;
    await s.call('plugin.approval.list', {});
    const decided = s.call('plugin.approval.waitDecision', { id });
    const resolved = s.admin.event('plugin.approval.resolved', (p) => p.id === id);
    await s.call('plugin.approval.resolve', { id, decision: 'deny' });
    await resolved;
    await Promise.all([asked, decided]);
    await s.call('approval.history', { limit: 10, kind: 'plugin' });
  },
  ['exec.approval.list', {}], ['plugin.approval.list', {}], ['openclaw.approval.list', {}],
  async (s) => {
    if (!s.serves('question.request')) return;
    const questions = [{ questionId: 'colour', header: 'Colour', question: 'Which one?', options: [{ label: 'red' }, { label: 'blue' }] }];
    const ask = async (id) => {
      const told = s.admin.event('question.requested', (p) => p.id === id);
      await s.call('question.request', { id, questions, sessionKey: A, agentId: 'main', timeoutMs: 60_000 });
      await told;
    };
    const [one, two] = [again(), again()];
    await ask(one);
    await ask(two);
    await s.call('question.list', {});
    await s.call('question.get', { id: one });
    const answered = s.call('question.waitAnswer', { id: one, timeoutMs: 20_000 });
    const told = s.admin.event('question.resolved', (p) => p.id === one);
    await s.call('question.resolve', { id: one, answers: { answers: { colour: ['blue'] } } });
    await told;
    await answered;
    await s.call('question.resolve', { id: two, cancel: true });
  },
  ['tasks.list', {}, (r, s) => { s.task = r.tasks[0]; s.failed = r.tasks.find((task) => ['failed', 'cancelled', 'timed_out'].includes(task.status)); }],
  ['tasks.list', { status: 'completed', limit: 5 }], ['tasks.get', (s) => ({ taskId: s.task.id })],
  ['tasks.history', (s) => ({ taskId: s.task.id })], ['tasks.cancel', (s) => ({ taskId: s.task.id })],
  ['tasks.dismiss', (s) => ({ taskIds: [(s.failed ?? s.task).id] })], ['tasks.retry', (s) => ({ taskIds: [(s.failed ?? s.task).id] })],
  ['taskSuggestions.create', (s) => ({ title: 'Tidy', prompt: 'ECHO six', tldr: 'Tidy up.', cwd: s.folder, sessionKey: A }), (r, s) => { s.idea = r.taskId; }],
  ['taskSuggestions.list', {}], ['taskSuggestions.dismiss', (s) => ({ taskId: s.idea })],
  ['taskSuggestions.create', (s) => ({ title: 'Again', prompt: 'ECHO six', tldr: 'Tidy up.', cwd: s.folder, sessionKey: A }), (r, s) => { s.idea = r.taskId; }],
  ['taskSuggestions.accept', (s) => ({ taskId: s.idea })],

  // Devices: one that changed its platform waits for approval, and once more to be turned away.
  async (s) => {
    const identity = newIdentity();
    const device = terminal(s.url, s.token, identity);
    await device.connect();
    s.device = identity.deviceId;
    device.stop();
    s.knock = async (platform) => {
      const told = s.admin.event('device.pair.requested', (p) => p.deviceId === identity.deviceId);
      const stranger = terminal(s.url, s.token, identity, { platform });
      await stranger.connect().then(() => { throw new Error('a device with a new platform was let in'); }, () => undefined);
      stranger.stop();
      return (await told).payload.requestId;
    };
    s.requestId = await s.knock('beos');
  },
  ['device.pair.list', {}], ['device.pair.approve', (s) => ({ requestId: s.requestId })],
  async (s) => { s.requestId = await s.knock('plan9'); },
  ['device.pair.reject', (s) => ({ requestId: s.requestId })],
  ['device.pair.rename', (s) => ({ deviceId: s.device, label: 'Bench terminal' })],
  ['device.token.rotate', (s) => ({ deviceId: s.device, role: 'operator' })], ['device.token.revoke', (s) => ({ deviceId: s.device, role: 'operator' })],
  ['device.pair.remove', (s) => ({ deviceId: s.device })],
  ['device.pair.setupCode', { includeQr: false }, (r, s) => { s.setup = r.setupId; }, { mayFail: /loopback|reach/i }],
  ['device.pair.setupStatus', (s) => ({ setupId: s.setup ?? 'none' })],
  async (s) => {
    if (!s.serves('device.scopes.requestUpgrade')) return;
    const store = {};
    const reader = terminal(s.url, s.token, newIdentity(), { scopes: ['operator.read'] }, store);
    await reader.connect();
    const asked = await s.call('device.scopes.requestUpgrade', { scopes: ['operator.write'] }, undefined, { by: reader });
    const answered = s.call('device.scopes.waitUpgrade', { requestId: asked.requestId }, undefined, { by: reader });
    await s.call('device.pair.approve', { requestId: asked.requestId });
    await answered;
    reader.stop();
  },

  // A node, which offers commands.
  async (s) => {
    if (!s.serves('node.list')) return;
    const identity = newIdentity();
    const bench = node(s.url, s.token, identity);
    const told = s.admin.event('node.pair.requested');
    await bench.connect();
    await told;
    s.node = identity.deviceId;
    await s.call('node.list', {});
    const pending = await s.call('node.pair.list', {});
    for (const request of pending?.pending ?? []) await s.call('node.pair.approve', { requestId: request.requestId });
    await s.call('node.list', {});
    await s.call('node.describe', { nodeId: s.node });
    await s.call('node.rename', { nodeId: s.node, displayName: 'Bench' });
    const asked = bench.event('node.invoke.request');
    const invoked = s.call('node.invoke', { nodeId: s.node, command: 'system.which', params: { bins: ['ls'] }, idempotencyKey: again(), timeoutMs: 20_000 });
    const { id } = (await asked).payload;
    await s.call('node.invoke.progress', { invokeId: id, nodeId: s.node, seq: 0, chunk: 'looking' }, undefined, { by: bench });
    await s.call('node.invoke.result', { id, nodeId: s.node, ok: true, payloadJSON: '{"bins":{"ls":"/bin/ls"}}' }, undefined, { by: bench });
    await invoked;
    await s.call('node.event', { event: 'bench.looked', payloadJSON: '{}' }, undefined, { by: bench });
    await s.call('skills.bins', {}, undefined, { by: bench });
    await s.call('node.pluginSurface.refresh', { surface: 'canvas' }, undefined, { by: bench, mayFail: /surface unavailable/ });
    await s.call('node.skills.update', { skills: [] }, undefined, { by: bench });
    await s.call('node.pluginTools.update', { tools: [] }, undefined, { by: bench });
    await s.call('node.pending.enqueue', { nodeId: s.node, type: 'status.request' });
    const pulled = await s.call('node.pending.pull', {}, undefined, { by: bench });
    await s.call('node.pending.ack', { ids: (pulled?.actions ?? []).map((action) => action.id).concat('none') }, undefined, { by: bench });
    await s.call('node.pending.drain', {}, undefined, { by: bench });
    await s.call('exec.approvals.node.get', { nodeId: s.node }, undefined, { mayFail: /command|support/i });
    await s.call('exec.approvals.node.set', { nodeId: s.node, file: { version: 1 } }, undefined, { mayFail: /command|support|params/i });
    bench.stop();
    const stranger = newIdentity();
    const other = node(s.url, s.token, stranger);
    const toldAgain = s.admin.event('node.pair.requested');
    await other.connect();
    await toldAgain;
    const waiting = await s.call('node.pair.list', {});
    for (const request of waiting?.pending ?? []) await s.call('node.pair.reject', { requestId: request.requestId });
    await s.call('node.pair.remove', { nodeId: s.node });
    other.stop();
  },

  // Nobody supervises this one.
  ['gateway.restart.preflight', {}], ['gateway.restart.request', { reason: 'a test' }, undefined, { mayFail: /foreground/ }],
  // Another gateway to watch is not set up here.
  ['rescue.status', {}], ['rescue.incidents', {}],
  ['rescue.remedy', { action: 'restart' }, undefined, { mayFail: /./ }], ['rescue.drill.start', {}, undefined, { mayFail: /./ }],
  ['sessions.unsubscribe', {}],
  ['agents.delete', (s) => ({ agentId: s.helper, deleteFiles: true })],
];
