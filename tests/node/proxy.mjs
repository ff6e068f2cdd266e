// A proxy between a client and the gateway that hands every frame to a checker. The official client is unchanged and knows
// nothing of it.
import { WebSocket, WebSocketServer } from 'ws';
import { FrameChecker } from './frames.mjs';

/**
 * Starts one. `record` takes what is found, `notice` is told of closed connections. Each connection has its own checker, as
 * `seq` counts per socket.
 */
export async function startProxy({ port, record, notice = () => {}, onFrame = () => {} }) {
  const sockets = new Set();
  const proxy = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  proxy.on('connection', (client) => {
    const checker = new FrameChecker(record);
    const gateway = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
    const early = [];
    sockets.add(gateway);
    gateway.on('open', () => early.splice(0).forEach((text) => gateway.send(text)));
    gateway.on('message', (data) => {
      const text = data.toString();
      const frame = JSON.parse(text);
      onFrame(frame);
      checker.received(frame);
      client.send(text);
    });
    client.on('message', (data) => {
      checker.sent(JSON.parse(data.toString()));
      if (gateway.readyState === WebSocket.OPEN) gateway.send(data.toString());
      else early.push(data.toString());
    });
    gateway.on('close', (code, reason) => {
      sockets.delete(gateway);
      notice({ closed: code, reason: reason.toString() });
      if (code >= 1000 && code <= 4999 && code !== 1005 && code !== 1006) client.close(code, reason.toString());
      else client.terminate();
    });
    gateway.on('error', () => client.terminate());
    client.on('close', () => gateway.close());
  });
  await new Promise((done) => proxy.once('listening', done));
  return {
    url: `ws://127.0.0.1:${proxy.address().port}`,
    /** Breaks every connection, as a network does. */
    cut: () => { for (const socket of sockets) socket.terminate(); },
    close: () => proxy.close(),
  };
}
