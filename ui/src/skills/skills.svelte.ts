/** The skills that agents of one gateway can read up on, and switching them. */
import { live } from '../state/live';
import { asRequestError, type RequestError, type Transport } from '../transport/types';

export interface Skill {
  name: string;
  description: string;
  source: string;
  skillKey: string;
  filePath: string;
  emoji?: string;
  homepage?: string;
  disabled: boolean;
  /** Everything that it needs is here. */
  eligible: boolean;
  blockedByAgentFilter?: boolean;
  platformIncompatible?: boolean;
  missing: Partial<Record<'bins' | 'anyBins' | 'env' | 'config' | 'os', string[]>>;
}

export class Skills {
  skills = $state.raw<readonly Skill[] | null>(null);
  folder = $state('');
  problems = $state.raw<readonly { path: string; message: string }[]>([]);
  problem = $state.raw<RequestError | null>(null);
  /** The key of what is being switched. */
  busy = $state<string | null>(null);
  refused = $state<string | null>(null);

  constructor(
    readonly transport: Transport,
    readonly profile: string,
  ) {}

  open(): () => void {
    return live(this.transport, this.profile, () => this.load(), ({ event }, soon) => {
      if (event === 'skills.changed') soon();
    }).close;
  }

  async load(): Promise<void> {
    try {
      const told = await this.transport.request<{ skills: Skill[]; managedSkillsDir: string; problems?: { path: string; message: string }[] }>(this.profile, 'skills.status', {});
      this.skills = [...told.skills].sort((a, b) => a.name.localeCompare(b.name));
      this.folder = told.managedSkillsDir;
      this.problems = told.problems ?? [];
      this.problem = null;
    } catch (thrown) {
      this.problem = asRequestError(thrown);
    }
  }

  async turn({ skillKey }: Skill, enabled: boolean): Promise<void> {
    if (this.busy) return;
    this.busy = skillKey;
    this.refused = null;
    const show = (disabled: boolean) => (this.skills = (this.skills ?? []).map((one) => (one.skillKey === skillKey ? { ...one, disabled } : one)));
    show(!enabled);
    try {
      await this.transport.request(this.profile, 'skills.update', { skillKey, enabled });
    } catch (thrown) {
      show(enabled);
      this.refused = asRequestError(thrown).message;
    }
    this.busy = null;
    await this.load();
  }
}
