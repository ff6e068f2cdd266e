/** The channels of one gateway, as `channels.status` tells them. */
import type { ChannelState } from '../bindings/commands';
import { asRequestError, type Transport } from '../transport/types';

export interface ChannelRow {
  channel: string;
  label: string;
  account: string;
  state: ChannelState;
  detail: string | null;
  bot: string | null;
}

interface Account {
  accountId?: string;
  name?: string;
  enabled?: boolean;
  configured?: boolean;
  running?: boolean;
  connected?: boolean;
  lastError?: string | null;
  bot?: { username?: string } | null;
  username?: string;
  probe?: { bot?: { username?: string } } | null;
}

interface StatusReply {
  channelOrder?: string[];
  channelLabels?: Record<string, string>;
  channelAccounts?: Record<string, Account[]>;
}

export function channelState(account: Account): ChannelState {
  if (account.enabled === false || account.configured === false) return 'disabled';
  if (account.connected === true) return 'connected';
  if (account.lastError) return account.running ? 'disconnected' : 'failed';
  if (account.running) return account.connected === false ? 'connecting' : 'connected';
  return 'disconnected';
}

export function readChannels({ channelOrder = [], channelLabels = {}, channelAccounts = {} }: StatusReply): ChannelRow[] {
  return channelOrder.flatMap((channel) =>
    (channelAccounts[channel] ?? []).map((account) => ({
      channel,
      label: channelLabels[channel] ?? channel,
      account: account.accountId ?? 'default',
      state: channelState(account),
      detail: account.lastError ?? null,
      bot: account.bot?.username ?? account.username ?? account.probe?.bot?.username ?? null,
    })),
  );
}

export class Channels {
  rows = $state.raw<ChannelRow[] | null>(null);
  problem = $state<string | null>(null);

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
    const poll = setInterval(() => open && document.visibilityState === 'visible' && void this.load(), 5_000);
    return () => {
      off();
      clearInterval(poll);
    };
  }

  async load(): Promise<void> {
    try {
      this.rows = readChannels(await this.transport.request<StatusReply>(this.profile, 'channels.status', { probe: false }));
      this.problem = null;
    } catch (thrown) {
      const { message, retryable } = asRequestError(thrown);
      if (!retryable || this.rows === null) this.problem = message;
    }
  }
}
