// A device that is known and comes back with another platform: it has to be approved anew. Prints the id of its request.
//
//   node knock.mjs PORT   with the shared secret on standard input, first line
import { readFileSync } from 'node:fs';
import { newIdentity, program, terminal } from './clients.mjs';

const url = `ws://127.0.0.1:${process.argv[2]}`;
const token = readFileSync(0, 'utf8').split('\n')[0].trim();
const admin = program(url, token);
await admin.connect();
const identity = newIdentity();
const device = terminal(url, token, identity);
await device.connect();
device.stop();
const told = admin.event('device.pair.requested', (p) => p.deviceId === identity.deviceId);
const again = terminal(url, token, identity, { platform: 'beos' });
await again.connect().then(() => { throw new Error('a device with a new platform was let in'); }, () => undefined);
again.stop();
const { requestId } = (await told).payload;
admin.stop();
process.stdout.write(`${requestId}\n`);
