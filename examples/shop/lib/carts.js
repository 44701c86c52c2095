import { mkdirSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const LINES_MAX = 1_000;

/**
 * A cart is a file to which every change is appended as one line. One small append is atomic among the
 * processes of a machine, so instances of all versions share carts without a lock that one of them could
 * leave behind when it is killed.
 */
export function openCarts(dir) {
  mkdirSync(dir, { recursive: true });
  const fileOf = (session) => join(dir, `${session.id}.ndjson`);

  async function linesOf(session) {
    try {
      return (await readFile(fileOf(session), 'utf8')).split('\n').filter(Boolean);
    } catch (error) {
      if (error.code === 'ENOENT') return [];
      throw error;
    }
  }

  async function read(session) {
    const items = {};
    for (const line of await linesOf(session)) {
      const { sku, quantity } = JSON.parse(line);
      items[sku] = (items[sku] ?? 0) + quantity;
    }
    const quantity = Object.values(items).reduce((sum, n) => sum + n, 0);
    return { user: session.user, items, quantity };
  }

  return {
    read,
    /** The cart after the change, or null when it is full. */
    async add(session, sku, quantity) {
      if ((await linesOf(session)).length >= LINES_MAX) return null;
      await appendFile(fileOf(session), `${JSON.stringify({ sku, quantity })}\n`);
      return read(session);
    },
  };
}
