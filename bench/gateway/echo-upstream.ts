/** The upstream of WebSocket messages: each one is answered by one. Argument: the port. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { ANSWER, QUESTION } from './messages.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

createServer()
  .on('upgrade', (request, socket) => {
    const key = request.headers['sec-websocket-key'] ?? '';
    const accept = createHash('sha1').update(key).update(GUID).digest('base64');
    const fields = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n`;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`);
    let open = 0;
    socket.on('data', (bytes: Buffer) => {
      open += bytes.length;
      for (; open >= QUESTION.length; open -= QUESTION.length) socket.write(ANSWER);
    });
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
  })
  .listen(Number(process.argv[2]), '127.0.0.1', 4096);
