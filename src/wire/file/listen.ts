/** An address to listen on, as people write it: a port, or "host:port". */
import * as z from 'zod';
import type { Listen } from '../../core/project.ts';
import { port } from './values.ts';

const LISTEN_PHRASE = 'a port such as 8080, or "host:port" such as "127.0.0.1:8080"';
const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]*)):(\d{1,5})$/;

/** A port alone is on `host`; an empty host is every address of the machine. */
export function listen(host = '') {
  return z
    .union([port(), z.string(LISTEN_PHRASE).regex(ADDRESS, LISTEN_PHRASE)], LISTEN_PHRASE)
    .transform((value, context): Listen => {
      if (typeof value === 'number') return { host, port: value };
      const [, v6, name, digits] = ADDRESS.exec(value) ?? [];
      const number = Number(digits);
      if (number >= 1 && number <= 65_535) return { host: v6 ?? name ?? '', port: number };
      context.issues.push({ code: 'custom', input: value, message: 'a port from 1 to 65535' });
      return z.NEVER;
    });
}
