/** What agents wait for a person to say: commands that need a yes, and questions. */
import { asRequestError, type Transport, type Unsubscribe } from '../transport/types';

export type Decision = 'allow-once' | 'allow-always' | 'deny';

export interface Approval {
  id: string;
  createdAtMs: number;
  expiresAtMs: number;
  request: {
    command: string;
    cwd?: string | null;
    agentId?: string | null;
    sessionKey?: string | null;
    warningText?: string | null;
    /** The program's file. */
    resolvedPath?: string | null;
    /** `gateway`, or a node by its id. */
    host?: string | null;
    nodeId?: string | null;
    /** Where the person wrote that the agent works for. */
    turnSourceChannel?: string | null;
    turnSourceTo?: string | null;
    allowedDecisions?: Decision[];
  };
}

export interface Question {
  id: string;
  questions: {
    questionId: string;
    question: string;
    options: { label: string; description?: string }[];
    multiSelect?: boolean;
    isOther?: boolean;
  }[];
  sessionKey?: string;
  agentId?: string;
  expiresAtMs: number;
}

export class Approvals {
  /** `null`: not loaded yet. */
  approvals = $state.raw<readonly Approval[] | null>(null);
  questions = $state.raw<readonly Question[]>([]);
  problem = $state<string | null>(null);
  busy = $state<string | null>(null);
  count = $derived((this.approvals?.length ?? 0) + this.questions.length);
  readonly #off: Unsubscribe[] = [];
  #loads = 0;
  /** What ended while a list was on its way must not come back with it. */
  #over = new Set<string>();

  constructor(
    readonly transport: Transport,
    readonly profile: string,
  ) {}

  open(): () => void {
    let epoch = -1;
    this.#off.push(
      this.transport.subscribe(this.profile, ({ event, payload }) => this.#event(event, payload)),
      this.transport.connectionState(this.profile, (connection) => {
        if (connection.phase !== 'open' || connection.epoch === epoch) return;
        epoch = connection.epoch;
        void this.load();
      }),
    );
    return () => {
      for (const off of this.#off) off();
    };
  }

  /** Those of one conversation. */
  approvalsOf(sessionKey: string): readonly Approval[] {
    return (this.approvals ?? []).filter(({ request }) => request.sessionKey === sessionKey);
  }

  questionsOf(sessionKey: string): readonly Question[] {
    return this.questions.filter((question) => question.sessionKey === sessionKey);
  }

  async load(): Promise<void> {
    this.#loads += 1;
    const load = this.#loads;
    this.#over.clear();
    try {
      const [approvals, questions] = await Promise.all([
        this.transport.request<Approval[]>(this.profile, 'exec.approval.list', {}),
        this.transport.request<{ questions?: Question[] }>(this.profile, 'question.list', {}),
      ]);
      if (load !== this.#loads) return;
      this.approvals = approvals.filter(({ id }) => !this.#over.has(id));
      this.questions = (questions.questions ?? []).filter(({ id }) => !this.#over.has(id));
      this.problem = null;
    } catch (thrown) {
      if (load !== this.#loads) return;
      const { code, message, retryable } = asRequestError(thrown);
      // A gateway that knows no approvals, or a connection that may not answer any, has none to show.
      if (code === 'FORBIDDEN' || message.startsWith('unknown method')) this.approvals = [];
      else if (!retryable) this.problem = message;
    }
  }

  async decide({ id }: Approval, decision: Decision): Promise<void> {
    await this.#say(id, 'exec.approval.resolve', { id, decision });
  }

  async answer({ id }: Question, answers: Record<string, string[]>): Promise<void> {
    await this.#say(id, 'question.resolve', { id, answers: { answers } });
  }

  async skip({ id }: Question): Promise<void> {
    await this.#say(id, 'question.resolve', { id, cancel: true });
  }

  async #say(id: string, method: string, params: Record<string, unknown>): Promise<void> {
    if (this.busy) return;
    this.busy = id;
    this.problem = null;
    try {
      await this.transport.request(this.profile, method, params);
      this.#forget(id);
    } catch (thrown) {
      // Somebody else was first, or it was too late: what is left is asked again.
      this.problem = asRequestError(thrown).message;
      const problem = this.problem;
      await this.load();
      this.problem ??= problem;
    } finally {
      this.busy = null;
    }
  }

  #forget(id: string): void {
    this.#over.add(id);
    this.approvals = (this.approvals ?? []).filter((one) => one.id !== id);
    this.questions = this.questions.filter((one) => one.id !== id);
  }

  #event(event: string, payload: unknown): void {
    const { id } = (payload ?? {}) as { id?: string };
    if (!id) return;
    if (event === 'exec.approval.requested') {
      this.approvals = [...(this.approvals ?? []).filter((one) => one.id !== id), payload as Approval];
    } else if (event === 'question.requested') {
      this.questions = [...this.questions.filter((one) => one.id !== id), payload as Question];
    } else if (event === 'exec.approval.resolved' || event === 'question.resolved') {
      this.#forget(id);
    }
  }
}
