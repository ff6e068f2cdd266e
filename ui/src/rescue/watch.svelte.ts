/** What one gateway knows of the gateway that it watches, kept up to date by its events. */
import { asRequestError, type Transport } from '../transport/types';
import { uuid } from '../transport/uuid';
import type { DrillReply, DrillReport, Incident, RemedyReply, RescueStatus } from './shapes';

/** The timeline grows by the minute and has no event of its own. */
const MINUTE = 60_000;

export class Watch {
  status = $state.raw<RescueStatus | null>(null);
  incidents = $state.raw<Incident[] | null>(null);
  problem = $state<string | null>(null);
  /** The remedy that was asked for and not answered yet. */
  busy = $state<string | null>(null);
  /** What the last remedy answered: log lines, findings, a refusal. */
  answer = $state.raw<{ remedy: string; text: string; refused: boolean } | null>(null);
  /** What has to be confirmed before it is done. */
  question = $state.raw<{ remedy: string; text: string } | null>(null);
  drill = $state.raw<DrillReply | null>(null);
  /** What the drill measured, once it is over. */
  report = $state.raw<DrillReport | null>(null);

  constructor(
    readonly transport: Transport,
    readonly profile: string,
  ) {}

  open(): () => void {
    let open = false;
    const off = this.transport.connectionState(this.profile, ({ phase }) => {
      open = phase === 'open';
      if (open) void this.load();
    });
    const events = this.transport.subscribe(this.profile, ({ event, payload }) => {
      if (event !== 'rescue.incident') return;
      const told = payload as { event?: string; report?: DrillReport };
      if (told.event === 'drill' && told.report) this.report = told.report;
      void this.load();
    });
    const minute = setInterval(() => open && document.visibilityState === 'visible' && void this.load(), MINUTE);
    return () => {
      off();
      events();
      clearInterval(minute);
    };
  }

  async load(): Promise<void> {
    try {
      const [status, { incidents }] = await Promise.all([
        this.transport.request<RescueStatus>(this.profile, 'rescue.status', {}),
        this.transport.request<{ incidents: Incident[] }>(this.profile, 'rescue.incidents', { limit: 20 }),
      ]);
      this.status = status;
      this.incidents = incidents;
      this.problem = null;
    } catch (thrown) {
      const { message, retryable } = asRequestError(thrown);
      if (!retryable || this.status === null) this.problem = message;
    }
  }

  async remedy(remedy: string, confirmed = false): Promise<void> {
    if (this.busy) return;
    this.busy = remedy;
    this.question = null;
    this.answer = null;
    try {
      const { reply, text } = await this.transport.request<RemedyReply>(this.profile, 'rescue.remedy', {
        remedy, confirmed, idempotencyKey: uuid(),
      });
      if (reply === 'confirm') this.question = { remedy, text };
      else this.answer = { remedy, text, refused: false };
    } catch (thrown) {
      this.answer = { remedy, text: asRequestError(thrown).message, refused: true };
    }
    this.busy = null;
    await this.load();
  }

  async startDrill(how: 'kill' | 'stop'): Promise<void> {
    if (this.busy) return;
    this.busy = 'drill';
    this.answer = null;
    this.drill = null;
    this.report = null;
    try {
      this.drill = await this.transport.request<DrillReply>(this.profile, 'rescue.drill.start', { how, idempotencyKey: uuid() });
    } catch (thrown) {
      this.answer = { remedy: 'drill', text: asRequestError(thrown).message, refused: true };
    }
    this.busy = null;
    await this.load();
  }

  /** The incident that the drill made, once it is noticed. */
  get drilled(): Incident | null {
    const { drill } = this;
    if (!drill) return null;
    return this.incidents?.find((one) => one.drill && one.noticedMs >= drill.beganMs) ?? null;
  }
}
