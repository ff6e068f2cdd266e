/** Devices that may connect, those that wait, and what nodes may do; kept up to date by events. */
import { asRequestError, type Transport } from '../transport/types';

export interface DeviceRequest {
  requestId: string;
  deviceId: string;
  displayName?: string;
  clientId?: string;
  platform?: string;
  deviceFamily?: string;
  role?: string;
  scopes?: string[];
  remoteIp?: string;
  isRepair?: boolean;
  ts?: number;
}

export interface DeviceToken {
  role: string;
  scopes: string[];
  createdAtMs?: number;
  lastUsedAtMs?: number;
  revokedAtMs?: number;
}

export interface PairedDevice {
  deviceId: string;
  displayName?: string;
  operatorLabel?: string;
  clientId?: string;
  platform?: string;
  roles: string[];
  scopes: string[];
  connected: boolean;
  lastSeenAtMs?: number;
  tokens: DeviceToken[];
}

export interface NodeRequest {
  requestId: string;
  nodeId: string;
  displayName?: string;
  platform?: string;
  caps: string[];
  commands: string[];
}

export interface NodeRow {
  nodeId: string;
  displayName?: string;
  commands: string[];
  approvalState?: string;
  connected: boolean;
}

export interface SetupCode {
  setupId?: string;
  setupCode: string;
  gatewayUrl: string;
  access?: string;
  accessDowngraded?: boolean;
  expiresAtMs?: number;
}

const RELEVANT = /^(device\.pair|node\.pair|node\.presence$|presence$)/;

/** The operator's name, else what the device says of itself. */
export function nameOf(row: { operatorLabel?: string; displayName?: string; clientId?: string; deviceId?: string; nodeId?: string }): string {
  return row.operatorLabel ?? row.displayName ?? row.clientId ?? row.deviceId ?? row.nodeId ?? '?';
}

/** Scopes without the word that they all begin with. */
export const plainScopes = (scopes: string[]): string => scopes.map((scope) => scope.replace(/^operator\./, '')).join(', ');

export class Devices {
  /** `null`: not loaded yet. */
  paired = $state.raw<PairedDevice[] | null>(null);
  pending = $state.raw<DeviceRequest[]>([]);
  nodes = $state.raw<NodeRow[]>([]);
  wishes = $state.raw<NodeRequest[]>([]);
  problem = $state<string | null>(null);
  /** The id of what is being changed. */
  busy = $state<string | null>(null);
  /** What was done last, for those who do not see it. */
  said = $state('');
  setup = $state.raw<SetupCode | null>(null);
  setupProblem = $state<string | null>(null);
  setupBusy = $state(false);
  /** Name of the phone that used the code. */
  arrived = $state<string | null>(null);
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly transport: Transport,
    readonly profile: string,
  ) {}

  open(): () => void {
    const off = this.transport.connectionState(this.profile, ({ phase }) => {
      if (phase === 'open') void this.load();
    });
    const events = this.transport.subscribe(this.profile, ({ event, payload }) => {
      if (event === 'device.pair.setup.completed') this.#completed(payload as { setupId?: string; deviceName?: string; deviceId?: string });
      if (!RELEVANT.test(event)) return;
      // Events come in groups: one look at the end of each.
      clearTimeout(this.#again);
      this.#again = setTimeout(() => void this.load(), 100);
    });
    return () => {
      off();
      events();
      clearTimeout(this.#again);
    };
  }

  async load(): Promise<void> {
    try {
      const ask = <T>(method: string) => this.transport.request<T>(this.profile, method, {});
      const [devices, nodes, wishes] = await Promise.all([
        ask<{ pending?: DeviceRequest[]; paired?: PairedDevice[] }>('device.pair.list'),
        ask<{ nodes?: NodeRow[] }>('node.list'),
        ask<{ pending?: NodeRequest[] }>('node.pair.list'),
      ]);
      this.pending = devices.pending ?? [];
      this.paired = devices.paired ?? [];
      this.nodes = nodes.nodes ?? [];
      this.wishes = wishes.pending ?? [];
      this.problem = null;
    } catch (thrown) {
      const { message, retryable } = asRequestError(thrown);
      if (!retryable || this.paired === null) this.problem = message;
    }
  }

  /** One change; the list is read again after it. */
  async change(id: string, method: string, params: Record<string, unknown>, said: string): Promise<boolean> {
    this.busy = id;
    this.problem = null;
    try {
      await this.transport.request(this.profile, method, params);
      this.said = said;
      return true;
    } catch (thrown) {
      this.problem = asRequestError(thrown).message;
      return false;
    } finally {
      this.busy = null;
      const problem = this.problem;
      await this.load();
      this.problem ??= problem;
    }
  }

  async makeCode(publicUrl: string, limited: boolean): Promise<void> {
    this.setupBusy = true;
    this.setupProblem = null;
    this.arrived = null;
    try {
      this.setup = await this.transport.request<SetupCode>(this.profile, 'device.pair.setupCode', {
        includeQr: false,
        ...(publicUrl ? { publicUrl } : {}),
        ...(limited ? { bootstrapProfile: 'limited' } : {}),
      });
    } catch (thrown) {
      this.setup = null;
      this.setupProblem = asRequestError(thrown).message;
    } finally {
      this.setupBusy = false;
    }
  }

  forgetCode(): void {
    this.setup = null;
    this.setupProblem = null;
    this.arrived = null;
  }

  #completed({ setupId, deviceName, deviceId }: { setupId?: string; deviceName?: string; deviceId?: string }): void {
    if (!this.setup || setupId !== this.setup.setupId) return;
    this.setup = null;
    this.arrived = deviceName ?? deviceId ?? '';
  }
}
