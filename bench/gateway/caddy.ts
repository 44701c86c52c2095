import fs from 'node:fs/promises';
import path from 'node:path';
import { Program } from './programs.ts';
import type { Place } from './rival.ts';
import { WEBSOCKET_PATH } from './paths.ts';

export async function startCaddy(
  file: string,
  { folder, port, tlsPort, upstreamPort, echoPort, certificate }: Place,
): Promise<Program> {
  const configuration = path.join(folder, 'Caddyfile');
  const secure = certificate
    ? `https://127.0.0.1:${tlsPort} {
  tls ${certificate.certificate} ${certificate.key}
  import instances
}`
    : '';
  await fs.writeFile(
    configuration,
    `{
  admin off
  auto_https off
  servers {
    protocols h1 h2
  }
  log {
    output discard
  }
}
(instances) {
  reverse_proxy 127.0.0.1:${upstreamPort} {
    lb_policy least_conn
    header_up Via "1.1 caddy"
    header_down Via "1.1 caddy"
    transport http {
      keepalive_idle_conns_per_host 256
    }
  }
}
http://127.0.0.1:${port} {
  reverse_proxy ${WEBSOCKET_PATH} 127.0.0.1:${echoPort}
  import instances
}
${secure}
`,
  );
  const env = { GOMAXPROCS: '1', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  return new Program(0, file, ['run', '--config', configuration, '--adapter', 'caddyfile'], env);
}
