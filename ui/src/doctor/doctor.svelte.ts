/** What doctor finds about one profile, and what becomes of its repairs. */
import type { Desktop } from '../transport/types';
import { asRequestError, type RequestError } from '../transport/types';
import type { DoctorFinding, DoctorProgress, Examination, Level, Subject, Treatment } from '../machine/shapes';

export interface Check {
  state: DoctorProgress['state'];
  message: string;
}

export class Doctor {
  /** `null`: never looked yet. What was found stays while it looks again. */
  found = $state.raw<Examination | null>(null);
  checks = $state<Partial<Record<Subject, Check>>>({});
  looking = $state(false);
  /** The code of what is being repaired. */
  fixing = $state<string | null>(null);
  problem = $state.raw<RequestError | null>(null);

  constructor(
    readonly desktop: Desktop,
    readonly profile: string,
  ) {}

  async look(): Promise<void> {
    if (this.looking || this.fixing) return;
    this.looking = true;
    this.checks = {};
    try {
      this.#take(await this.desktop.machine<Examination>(this.profile, { kind: 'doctor', online: true }, (line) => this.#progress(line as DoctorProgress)));
    } catch (thrown) {
      this.problem = asRequestError(thrown);
    }
    this.looking = false;
  }

  /** Ends with what became of it, or `null` where it could not even be tried. */
  async fix({ code }: DoctorFinding): Promise<Treatment | null> {
    if (this.looking || this.fixing) return null;
    this.fixing = code;
    try {
      const after = await this.desktop.machine<Examination>(this.profile, { kind: 'doctor-fix', code }, (line) => this.#progress(line as DoctorProgress));
      this.#take(after);
      return after.fixed.find((one) => one.code === code) ?? null;
    } catch (thrown) {
      this.problem = asRequestError(thrown);
      return null;
    } finally {
      this.fixing = null;
    }
  }

  of(level: Level): readonly DoctorFinding[] {
    return (this.found?.findings ?? []).filter(({ severity }) => severity === level);
  }

  #take(found: Examination): void {
    this.found = found;
    this.problem = null;
    // The worst of each subject, also where the progress of a check was missed.
    const worst: Partial<Record<Subject, Check>> = {};
    for (const { subject, severity, found: message } of found.findings) {
      worst[subject] ??= { state: severity === 'error' ? 'failed' : severity === 'warning' ? 'warning' : 'ok', message };
    }
    this.checks = worst;
  }

  #progress({ type, subject, state, message }: DoctorProgress): void {
    if (type === 'progress') this.checks[subject] = { state, message };
  }
}
