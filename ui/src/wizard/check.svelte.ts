/** One live check: runs, shows how long it took, and says why it failed. A newer run silences an older one. */
import type { CheckName, Finding, ImportLine, Plan, SetupProgress } from '../bindings/commands';
import { m } from '../paraglide/messages.js';
import { asRequestError, type Desktop } from '../transport/types';

export type CheckState = 'idle' | 'running' | 'ok' | 'warning' | 'failed';

/** A finding in one line: what, what is there, what should be, what to do. */
export function sentence({ what, found, expected, nextStep }: Finding): string {
  const text = `${what}: ${found}${expected ? `; ${m.expected({ expected })}` : ''}${nextStep ? `; ${nextStep}` : ''}`;
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
}

export class Check {
  state = $state<CheckState>('idle');
  code = $state<string | null>(null);
  message = $state('');
  detail = $state.raw<Record<string, unknown>>({});
  findings = $state.raw<Finding[]>([]);
  lines = $state.raw<SetupProgress[]>([]);
  /** What an import would do, part by part. */
  report = $state.raw<ImportLine[]>([]);
  took = $state<number | null>(null);
  /** What was checked: a later edit makes the answer stale. */
  of = $state<string | null>(null);

  #run = 0;

  constructor(
    readonly desktop: Desktop,
    readonly names: CheckName[],
  ) {}

  /** The bot's public name, when Telegram told it. */
  get username(): string | null {
    const { username, bot } = this.detail as { username?: unknown; bot?: unknown };
    const named = typeof bot === 'object' && bot !== null ? (bot as { username?: unknown }).username : bot;
    const name = username ?? named;
    return typeof name === 'string' && name !== '' ? name.replace(/^@/, '') : null;
  }

  get passed(): boolean {
    return this.state === 'ok' || this.state === 'warning';
  }

  reset(): void {
    this.#run += 1;
    this.state = 'idle';
    this.of = null;
    this.message = '';
    this.findings = [];
    this.lines = [];
    this.detail = {};
  }

  /** `profile`: whose answer is shown, when the plan names several. */
  async run(plan: Plan, of: string, profile: string | null = null): Promise<boolean> {
    this.#run += 1;
    const run = this.#run;
    const started = performance.now();
    this.state = 'running';
    this.message = '';
    this.code = null;
    this.detail = {};
    this.findings = [];
    this.lines = [];
    this.report = [];
    this.of = of;
    let worst = 'ok' as CheckState;
    try {
      const result = await this.desktop.setup({ action: 'check', plan, checks: this.names }, (line) => {
        if (run !== this.#run || line.state === 'running') return;
        this.lines = [...this.lines, line];
        if (!(this.names as string[]).includes(line.step)) return;
        if (line.state === 'failed' || (line.state === 'warning' && worst !== 'failed')) worst = line.state;
        const other = profile !== null && line.profile !== null && line.profile !== profile;
        if (line.state !== 'skipped' && (!other || line.state === 'failed')) {
          this.message = line.message.charAt(0).toUpperCase() + line.message.slice(1);
          this.code = line.code;
          this.detail = line.detail ?? {};
        }
      });
      if (run !== this.#run) return false;
      this.findings = result.findings;
      this.report = result.report ?? [];
      const bad = result.findings.find(({ severity }) => severity === 'error');
      if (bad || !result.ok) {
        if (bad && worst !== 'failed') this.message = sentence(bad);
        worst = 'failed';
      }
    } catch (thrown) {
      if (run !== this.#run) return false;
      const error = asRequestError(thrown);
      worst = 'failed';
      this.code = error.code;
      this.message = error.message;
    }
    this.took = typeof this.detail['latencyMs'] === 'number' ? this.detail['latencyMs'] : performance.now() - started;
    this.state = worst;
    return this.passed;
  }
}
