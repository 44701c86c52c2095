/**
 * A unix socket under a name that several processes may want, one after the other: it is bound under a name of its
 * own and takes the common one by a rename, so that whoever connects gets the old one or the new one, never none.
 */
import fs from 'node:fs';
import net, { type Socket } from 'node:net';

export class PublishedSocket {
  readonly #server: net.Server;
  readonly #path: string;
  readonly #ownPath: string;
  #inode: number | undefined;

  constructor(path: string, pid: number, onSocket: (socket: Socket) => void) {
    this.#path = path;
    this.#ownPath = `${path}.${pid}`;
    this.#server = net.createServer(onSocket);
  }

  set connectionsMax(count: number) {
    this.#server.maxConnections = count;
  }

  /** How it is reached: by the common name once it is published. */
  get path(): string {
    return this.#inode === undefined ? this.#ownPath : this.#path;
  }

  /** Under its own name only. */
  async listen(): Promise<void> {
    fs.rmSync(this.#ownPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#ownPath, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  publish(): void {
    fs.renameSync(this.#ownPath, this.#path);
    this.#inode = inodeOf(this.#path);
  }

  /** False as soon as another process took the name. */
  get ours(): boolean {
    return this.#inode !== undefined && inodeOf(this.#path) === this.#inode;
  }

  /** No new connections. The name goes, too, if it is still ours. */
  close(): void {
    if (this.ours) fs.rmSync(this.#path, { force: true });
    this.#server.close();
  }
}

/** Whether somebody listens there. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(path);
    probe.once('error', () => resolve(false));
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
  });
}

function inodeOf(path: string): number | undefined {
  return fs.statSync(path, { throwIfNoEntry: false })?.ino;
}
