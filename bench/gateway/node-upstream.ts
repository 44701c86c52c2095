/** The upstream where nginx is not installed. Argument: the port. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const small = Buffer.from('Hello, world!');
const large = Buffer.from(randomBytes(32 * 1024).toString('hex'));

createServer((request, response) => {
  const body = request.url === '/' ? small : large;
  if (request.url !== '/streamed') response.setHeader('Content-Length', body.length);
  response.end(body);
}).listen(Number(process.argv[2]), '127.0.0.1', 4096);
