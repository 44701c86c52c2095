/**
 * Load of WebSocket messages: every connection sends its next message when the last one was answered.
 * Arguments: port, path, connections, seconds. Prints one line for `slice.ts`.
 */
import net from 'node:net';
import { quantileOf } from '../support/spread.ts';
import { ANSWER, QUESTION } from './messages.ts';

const [, , port, path, connections, seconds] = process.argv;
const durationsUs: number[] = [];
const beganMs = performance.now();
const endMs = beganMs + Number(seconds) * 1_000;
let open = Number(connections);
let failures = 0;

function begin(): void {
  const socket = net.connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
  let upgraded = false;
  let sentMs = 0;
  let received = 0;
  const ask = () => {
    sentMs = performance.now();
    if (sentMs >= endMs) return socket.end();
    socket.write(QUESTION);
  };
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  socket.on('data', (bytes) => {
    if (!upgraded) {
      upgraded = bytes.toString('latin1').startsWith('HTTP/1.1 101');
      if (upgraded) return ask();
      return socket.destroy(new Error('no upgrade'));
    }
    received += bytes.length;
    if (received < ANSWER.length) return;
    received = 0;
    durationsUs.push((performance.now() - sentMs) * 1_000);
    ask();
  });
  socket.on('error', () => (failures += 1));
  socket.on('close', () => {
    open -= 1;
    if (open > 0) return;
    const tookUs = (performance.now() - beganMs) * 1_000;
    const figures = [
      durationsUs.length,
      tookUs,
      failures,
      quantileOf(durationsUs, 0.5),
      quantileOf(durationsUs, 0.99),
    ];
    console.log(`FIGURES ${figures.map((each) => Math.round(each)).join(' ')}`);
  });
}

for (let n = 0; n < Number(connections); n += 1) begin();
