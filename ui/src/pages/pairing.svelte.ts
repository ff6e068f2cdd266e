/** Strangers who asked to talk to a bot, and letting them in. */
import { asRequestError, type Transport } from '../transport/types';

export interface PairingRequest {
  requestId: string;
  channel: string;
  channelLabel: string;
  accountId: string;
  senderId: string;
  senderLabel: string;
  /** The code that the sender was shown, where the gateway tells it to operators. */
  code?: string;
  metadata?: Record<string, string>;
  createdAt: string;
  expiresAt: string;
}

const POLL_MS = 2_000;
const normal = (code: string) => code.trim().toUpperCase().replace(/[^A-Z0-9]/g, '');

export class Pairing {
  /** `null`: not loaded yet. */
  requests = $state.raw<PairingRequest[] | null>(null);
  problem = $state<string | null>(null);
  busy = $state<string | null>(null);
  approved = $state<string | null>(null);
  #open = false;

  constructor(
    readonly transport: Transport,
    readonly profile: string,
  ) {}

  open(): () => void {
    const poll = setInterval(() => this.#open && document.visibilityState === 'visible' && void this.load(), POLL_MS);
    const off = this.transport.connectionState(this.profile, ({ phase }) => {
      this.#open = phase === 'open';
      if (this.#open) void this.load();
    });
    return () => {
      clearInterval(poll);
      off();
    };
  }

  /** The code that the sender was shown, when the gateway tells it. */
  code(request: PairingRequest): string | null {
    return request.code ?? request.metadata?.['code'] ?? (/^[A-HJ-NP-Z2-9]{8}$/.test(request.requestId) ? request.requestId : null);
  }

  async load(): Promise<void> {
    try {
      const { requests } = await this.transport.request<{ requests?: PairingRequest[] }>(this.profile, 'channels.pairing.list', {});
      this.requests = requests ?? [];
      this.problem = null;
    } catch (thrown) {
      const { message, retryable } = asRequestError(thrown);
      if (!retryable) this.problem = message;
    }
  }

  /** By a code that was typed: it must be one of those that wait. */
  async approveCode(typed: string): Promise<boolean> {
    const wanted = normal(typed);
    await this.load();
    const request = (this.requests ?? []).find((one) => normal(this.code(one) ?? one.requestId) === wanted);
    if (!request) return false;
    return this.approve(request);
  }

  async approve(request: PairingRequest): Promise<boolean> {
    this.busy = request.requestId;
    this.problem = null;
    try {
      await this.transport.request(this.profile, 'channels.pairing.approve', {
        channel: request.channel,
        accountId: request.accountId,
        requestId: request.requestId,
        notify: true,
      });
      this.approved = request.senderLabel || request.senderId;
      this.requests = (this.requests ?? []).filter(({ requestId }) => requestId !== request.requestId);
      return true;
    } catch (thrown) {
      this.problem = asRequestError(thrown).message;
      return false;
    } finally {
      this.busy = null;
    }
  }
}
