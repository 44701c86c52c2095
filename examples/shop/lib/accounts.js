import { mkdirSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const NONE = { name: '', mail: '' };

/** Name and mail of each user: a file that is replaced whole, so that nobody ever reads a half of it. */
export function openAccounts(dir) {
  mkdirSync(dir, { recursive: true });
  const fileOf = (user) => join(dir, `${user}.json`);
  let drafts = 0;

  return {
    async read(user) {
      const text = await readFile(fileOf(user), 'utf8').catch((error) => {
        if (error.code === 'ENOENT') return JSON.stringify(NONE);
        throw error;
      });
      const account = JSON.parse(text);
      return { user, ...account, greeting: account.name };
    },

    async write(user, account) {
      drafts += 1;
      const draft = `${fileOf(user)}.${process.pid}.${drafts}`;
      await writeFile(draft, JSON.stringify(account));
      await rename(draft, fileOf(user));
    },
  };
}
