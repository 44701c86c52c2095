import type { ServerFacts } from '../core/database/sql/server.ts';

/** Looks at a live database, and changes nothing. */
export interface DatabaseFacts {
  /**
   * Version, and the tables of which `mentions` knows the name, or that of an index of theirs. Rejects with
   * DATABASE_UNREACHABLE.
   */
  read(url: string, mentions: (name: string) => boolean): Promise<ServerFacts>;
}
