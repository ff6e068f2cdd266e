/** Create, told live: what is written per profile, then the start of each gateway. */
import type { CreatedProfile, Finding, SetupProgress } from '../bindings/commands';
import { asRequestError, type Desktop } from '../transport/types';
import { sentence } from './check.svelte';
import { plan } from './plan';
import type { Wizard } from './wizard.svelte';

export interface Line {
  id: string;
  profile: string | null;
  step: string;
  state: SetupProgress['state'];
  message: string;
}

export class Creation {
  phase = $state<'writing' | 'starting' | 'done' | 'failed'>('writing');
  lines = $state.raw<Line[]>([]);
  findings = $state.raw<Finding[]>([]);
  problem = $state<string | null>(null);
  profiles = $state.raw<CreatedProfile[]>([]);
  notes = $state.raw<string[]>([]);

  constructor(
    readonly desktop: Desktop,
    readonly wizard: Wizard,
  ) {}

  async run(): Promise<void> {
    this.phase = 'writing';
    this.problem = null;
    this.lines = [];
    this.wizard.created = true;
    try {
      const result = await this.desktop.setup({ action: 'create', plan: plan(this.wizard.answers), checks: [] }, (line) => this.#take(line));
      this.findings = result.findings;
      this.profiles = result.profiles;
      if (!result.ok) {
        const bad = result.findings.find(({ severity }) => severity === 'error');
        throw new Error(bad ? sentence(bad) : (this.lines.findLast(({ state }) => state === 'failed')?.message ?? ''));
      }
    } catch (thrown) {
      this.problem = asRequestError(thrown).message;
      this.phase = 'failed';
      this.wizard.created = false;
      return;
    }
    this.wizard.finish();
    this.phase = 'starting';
    await this.#autostart();
    const ours = this.profiles.filter(({ owner }) => owner !== 'external');
    await Promise.all(ours.map(({ name }) => this.start(name)));
    this.phase = 'done';
    this.wizard.done = true;
  }

  async start(profile: string): Promise<void> {
    this.#put({ id: `${profile} start`, profile, step: 'start', state: 'running', message: '' });
    try {
      await this.desktop.start(profile);
      this.#put({ id: `${profile} start`, profile, step: 'start', state: 'ok', message: '' });
    } catch (thrown) {
      this.#put({ id: `${profile} start`, profile, step: 'start', state: 'failed', message: asRequestError(thrown).message });
    }
  }

  async #autostart(): Promise<void> {
    try {
      await this.desktop.setAutostart(this.wizard.answers.autostart);
    } catch (thrown) {
      this.notes = [...this.notes, asRequestError(thrown).message];
    }
  }

  #take(line: SetupProgress): void {
    this.#put({ id: `${line.profile ?? ''} ${line.step}`, profile: line.profile, step: line.step, state: line.state, message: line.message });
  }

  #put(line: Line): void {
    const at = this.lines.findIndex(({ id }) => id === line.id);
    this.lines = at < 0 ? [...this.lines, line] : this.lines.with(at, line);
  }
}
