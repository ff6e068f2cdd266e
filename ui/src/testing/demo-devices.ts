/** Devices of the demo world: a phone that lends itself, a computer, one that waits, and a node that wants more. */
const MINUTE = 60_000;
type Answer = (params: Record<string, unknown>) => unknown;

export function deviceAnswers(): Record<string, Answer> {
  const now = Date.now();
  let pending = [
    { requestId: 'd1', deviceId: 'laptop1', displayName: "Grace's laptop", clientId: 'openclaw-macos', platform: 'macos', role: 'operator', scopes: ['operator.read', 'operator.write'], remoteIp: '192.168.1.24', isRepair: false, ts: now - MINUTE },
  ];
  let wishes = [
    { requestId: 'n1', nodeId: 'mac1', displayName: 'Studio Mac', platform: 'macos', caps: ['system'], commands: ['system.run', 'system.which'], ts: now - 2 * MINUTE },
  ];
  let paired = [
    {
      deviceId: 'phone1', displayName: "Ada's iPhone", clientId: 'openclaw-ios', platform: 'iOS 18.4', roles: ['node', 'operator'], scopes: ['operator.read', 'operator.write'], connected: true, lastSeenAtMs: now,
      tokens: [{ role: 'node', scopes: [], createdAtMs: now }, { role: 'operator', scopes: ['operator.read', 'operator.write'], createdAtMs: now }],
    },
    {
      deviceId: 'mac1', operatorLabel: 'Studio Mac', displayName: 'mac', clientId: 'openclaw-macos', platform: 'macos', roles: ['operator', 'node'], scopes: ['operator.admin'], connected: false, lastSeenAtMs: now - 90 * MINUTE,
      tokens: [{ role: 'operator', scopes: ['operator.admin'], createdAtMs: now }],
    },
  ];
  const without = <T>(list: T[], fits: (one: T) => boolean) => list.filter((one) => !fits(one));
  return {
    'device.pair.list': () => ({ pending, paired }),
    'node.pair.list': () => ({ pending: wishes, paired: [] }),
    'node.list': () => ({
      ts: Date.now(),
      nodes: paired.filter(({ roles }) => roles.includes('node')).map(({ deviceId, displayName, connected }) => ({
        nodeId: deviceId, displayName, connected, approvalState: 'approved',
        commands: deviceId === 'phone1' ? ['device.status', 'location.get', 'system.notify'] : [],
      })),
    }),
    'device.pair.approve': ({ requestId }) => { pending = without(pending, (one) => one.requestId === requestId); return { requestId }; },
    'device.pair.reject': ({ requestId }) => { pending = without(pending, (one) => one.requestId === requestId); return { requestId }; },
    'node.pair.approve': ({ requestId }) => { wishes = without(wishes, (one) => one.requestId === requestId); return { requestId }; },
    'node.pair.reject': ({ requestId }) => { wishes = without(wishes, (one) => one.requestId === requestId); return { requestId }; },
    'device.pair.remove': ({ deviceId }) => { paired = without(paired, (one) => one.deviceId === deviceId); return { deviceId }; },
    'device.token.revoke': ({ deviceId, role }) => ({ deviceId, role, revokedAtMs: Date.now() }),
    'device.pair.setupCode': ({ publicUrl }) => {
      if (!publicUrl) throw { code: 'INVALID_REQUEST', message: 'The gateway listens on this machine only, so nothing else finds it: set gateway.bind to lan, or name an address.' };
      return { setupId: 's1', setupCode: 'eyJ1cmwiOiJ3c3M6Ly9nYXRld2F5LmV4YW1wbGUiLCJib290c3RyYXBUb2tlbiI6IjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWEifQ', gatewayUrl: publicUrl, auth: 'token', urlSource: 'request.publicUrl', access: 'limited', expiresAtMs: Date.now() + 10 * MINUTE };
    },
  };
}
