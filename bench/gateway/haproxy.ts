import fs from 'node:fs/promises';
import path from 'node:path';
import { Program } from './programs.ts';
import type { Place } from './rival.ts';
import { WEBSOCKET_PATH } from './paths.ts';

export async function startHaproxy(
  file: string,
  { folder, port, tlsPort, upstreamPort, echoPort, certificate }: Place,
): Promise<Program> {
  const configuration = path.join(folder, 'haproxy.cfg');
  const secure = certificate ? `bind 127.0.0.1:${tlsPort} ssl crt ${certificate.both} alpn h2,http/1.1` : '';
  await fs.writeFile(
    configuration,
    `global
  nbthread 1
  fd-hard-limit 20000
defaults
  mode http
  timeout connect 2s
  timeout client 75s
  timeout server 30s
  timeout tunnel 75s
  http-reuse always
  option forwardfor
frontend web
  bind 127.0.0.1:${port}
  ${secure}
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request add-header Via "1.1 haproxy"
  http-response add-header Via "1.1 haproxy"
  use_backend messages if { path ${WEBSOCKET_PATH} }
  default_backend instances
backend instances
  balance leastconn
  server upstream 127.0.0.1:${upstreamPort}
backend messages
  server echo 127.0.0.1:${echoPort}
`,
  );
  return new Program(0, file, ['-db', '-f', configuration]);
}
