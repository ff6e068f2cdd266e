/** States in words, and the mark that goes with them. */
import type { ChannelState, GatewayState, Owner } from '../bindings/commands';
import type { MarkState } from '../parts/mark';
import { m } from '../paraglide/messages.js';
import type { Connection } from '../transport/types';
import { THIS_GATEWAY } from '../transport/this-gateway';

export function profileName(name: string): string {
  return name === THIS_GATEWAY ? m.this_gateway() : name;
}

export function gatewayMark(state: GatewayState): MarkState {
  const marks: Record<GatewayState, MarkState> = {
    running: 'good', starting: 'busy', stopping: 'busy', degraded: 'warn', failed: 'bad', stopped: 'off', unknown: 'unknown',
  };
  return marks[state];
}

export function gatewayWords(state: GatewayState): string {
  const words: Record<GatewayState, () => string> = {
    running: m.state_running, starting: m.state_starting, degraded: m.state_degraded,
    failed: m.state_failed, stopping: m.state_stopping, stopped: m.state_stopped, unknown: m.state_unknown,
  };
  return words[state]();
}

export function channelMark(state: ChannelState): MarkState {
  const marks: Record<ChannelState, MarkState> = {
    connected: 'good', connecting: 'busy', disconnected: 'warn', failed: 'bad', disabled: 'off',
  };
  return marks[state] ?? 'unknown';
}

export function channelWords(state: ChannelState): string {
  const words: Record<ChannelState, () => string> = {
    connected: m.channel_connected, connecting: m.channel_connecting, disconnected: m.channel_disconnected,
    failed: m.channel_failed, disabled: m.channel_disabled,
  };
  return (words[state] ?? m.state_unknown)();
}

export function ownerWords(owner: Owner): string {
  return { desktop: m.owner_desktop, service: m.owner_service, external: m.owner_external }[owner]();
}

export function connectionWords({ phase }: Connection): string {
  return {
    connecting: m.connection_connecting, open: m.connection_open, waiting: m.connection_waiting,
    refused: m.connection_refused, closed: m.connection_closed,
  }[phase]();
}
