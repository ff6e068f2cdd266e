/** What the command line would say about a computer, for designing pages and for screenshots. */
import type { MachineRequest } from '../bindings/commands';
import { SUBJECTS, type ConfigVersion, type DoctorFinding, type SecretRow } from '../machine/shapes';
import { RequestError } from '../transport/types';

const MINUTE = 60_000;
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const finding = (part: Partial<DoctorFinding> & Pick<DoctorFinding, 'code' | 'severity' | 'subject' | 'found'>): DoctorFinding => ({ profile: 'main', ...part });

function findings(): DoctorFinding[] {
  return [
    finding({
      code: 'ports.taken', severity: 'error', subject: 'ports', found: 'Port 18789 is held by node (process 2210).',
      why: 'main cannot listen there: it does not come up after the next restart.', nextStep: 'End that program, or give main other ports: bulkhead config set gateway.port 18829',
      fix: { title: 'move main to ports 18829 to 18939', safe: false },
    }),
    finding({
      code: 'permissions.open', severity: 'warning', subject: 'permissions', found: '/home/ada/.bulkhead/bulkhead.json has mode 0644: others on this computer can read it.',
      why: 'Who can read it sees which people and providers this gateway knows.', nextStep: 'Close it: chmod 600 /home/ada/.bulkhead/bulkhead.json', fix: { title: 'set its mode to 0600', safe: true },
    }),
    finding({
      code: 'lingering.off', severity: 'warning', subject: 'lingering', found: 'Services of this account end when you log out.',
      why: 'A rescue gateway that ends with your session is silent when you need it.', nextStep: 'Allow it: loginctl enable-linger ada',
    }),
    finding({ code: 'chrome.missing', severity: 'info', subject: 'chrome', found: 'No Chrome or Chromium is installed.', nextStep: 'Install one if agents are to use a browser.' }),
    ...SUBJECTS.filter((subject) => !['ports', 'permissions', 'lingering', 'chrome'].includes(subject)).map((subject) =>
      finding({ code: `${subject}.ok`, severity: 'ok', subject, found: 'As it should be.' }),
    ),
  ];
}

const DIFF = `--- 3f9c2a81d0ee
+++ current
@@ -9,7 +9,7 @@
     defaults: {
       workspace: "~/.bulkhead/workspace",
-      model: { primary: "anthropic/claude-haiku-4-5" },
+      model: { primary: "anthropic/claude-sonnet-4-5", fallbacks: ["ollama/llama3.2:3b"] },
-      timeoutSeconds: 300,
+      timeoutSeconds: 600,
     },
`;

export function demoMachine(scene: string): (request: MachineRequest, tell: (line: unknown) => void, profile: string) => Promise<unknown> {
  const now = Date.now();
  let found = findings();
  if (scene === 'none') found = found.filter(({ severity }) => severity === 'ok');
  let versions: ConfigVersion[] = [
    { hash: 'sha256:81d0ee3f9c2a4471', at: new Date(now - 40 * MINUTE).toISOString(), keys: 24, current: true },
    { hash: 'sha256:3f9c2a81d0ee9920', at: new Date(now - 3_000 * MINUTE).toISOString(), keys: 23, current: false },
    { hash: 'sha256:aa04c1770b1e5512', at: new Date(now - 9_000 * MINUTE).toISOString(), keys: 19, current: false },
  ];
  const row = (id: string, part: Partial<SecretRow> = {}): SecretRow => ({ id, source: 'keychain', store: 'Secret Service', state: 'present', used: true, ...part });
  let secrets: SecretRow[] = [
    row('gateway/token'), row('device/key'), row('telegram/bot-token'),
    row('models/anthropic/api-key', { state: 'missing', message: 'models/anthropic/api-key is not in the keychain (ai.bulkhead.main). Store it: bulkhead secrets set models/anthropic/api-key -' }),
    row('OPENROUTER_API_KEY', { source: 'env', store: 'environment' }),
    row('models/old/api-key', { source: 'file', store: 'a file', used: false }),
  ];
  return async (request, tell) => {
    await wait(60);
    switch (request.kind) {
      case 'doctor':
        for (const subject of SUBJECTS) {
          tell({ type: 'progress', subject, profile: 'main', state: 'running', code: 'running', message: '' });
          await wait(scene === 'slow' ? 60_000 : 15);
          const worst = found.find((one) => one.subject === subject);
          tell({ type: 'progress', subject, profile: 'main', state: worst?.severity === 'error' ? 'failed' : worst?.severity === 'warning' ? 'warning' : 'ok', code: worst?.code ?? 'ok', message: worst?.found ?? '' });
        }
        return { type: 'result', ok: !found.some(({ severity }) => severity === 'error'), findings: found, fixed: [] };
      case 'doctor-fix': {
        const mended = found.find(({ code }) => code === request.code);
        found = found.filter(({ code }) => code !== request.code);
        const fixed = mended?.fix ? [{ code: mended.code, profile: 'main', title: mended.fix.title, state: 'done', message: mended.subject === 'ports' ? 'main has the ports 18829 to 18939 now; bookmarks and clients need the new address.' : 'bulkhead.json has mode 0600 now.' }] : [];
        return { type: 'result', ok: true, findings: found, fixed };
      }
      case 'config-history':
        return { ok: true, versions: scene === 'none' ? [] : versions };
      case 'config-diff':
        return { ok: true, changed: !versions.find(({ hash }) => hash === request.from)?.current, diff: DIFF, fields: ['agents.defaults.timeoutSeconds'] };
      case 'config-rollback':
        versions = versions.map((one) => ({ ...one, current: one.hash === request.hash }));
        return { ok: true, changed: true, to: request.hash, rejected: '~/.bulkhead/bulkhead.json.rejected-20261120T140211Z', via: 'supervisor' };
      case 'secrets-list':
        return { ok: true, profile: 'main', default: 'keychain', secrets: scene === 'none' ? [] : secrets };
      case 'secrets-set':
        if (request.value.includes('bad')) throw new RequestError('secrets.locked', 'The keychain is locked. Unlock it, then try again.');
        secrets = secrets.some(({ id }) => id === request.id)
          ? secrets.map((one) => (one.id === request.id ? row(one.id, { source: one.source, store: one.store, used: one.used }) : one))
          : [...secrets, row(request.id, { used: false })];
        return { ok: true, id: request.id, source: 'keychain', store: 'Secret Service', encrypted: true, gateway: { state: 'handed-over' } };
      case 'secrets-delete':
        secrets = secrets.map((one) => (one.id === request.id ? { ...one, state: 'missing' as const } : one));
        return { ok: true, id: request.id, deleted: true, gateway: { state: 'handed-over' } };
      case 'diagnostics-preview':
        return {
          ok: true,
          files: [
            { name: 'README.txt', text: 'Diagnostics of Bulkhead. You made this file; nothing was sent anywhere. Look through it before you pass it on.\n' },
            { name: 'versions.json', text: JSON.stringify({ bulkhead: '0.1.0', system: { os: 'linux', arch: 'x86_64', release: 'Debian GNU/Linux 12 (bookworm)' }, profiles: [{ name: 'main', stateDir: '~/.bulkhead', basePort: 18_789 }] }, null, 2) },
            { name: 'main/config.json', text: JSON.stringify({ gateway: { port: 18_789, auth: { mode: 'token', token: '[secret]' } }, channels: { telegram: { botToken: { source: 'keychain', id: 'telegram/bot-token' } } } }, null, 2) },
            { name: 'main/doctor.json', text: JSON.stringify(found.slice(0, 2), null, 2) },
            { name: 'main/log.jsonl', text: '{"time":"2026-11-20T14:02:11Z","level":"info","target":"bulkhead_gateway","message":"ready"}\n' },
          ],
        };
      case 'diagnostics-save':
        if (request.file.endsWith('there.tar.gz')) throw new RequestError('diagnostics.exists', `${request.file}: found a file, expected none: a bundle never replaces one. Name another.`);
        return { ok: true, file: request.file, bytes: 6_144, files: [] };
    }
  };
}
