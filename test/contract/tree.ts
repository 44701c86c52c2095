/** Folders as values: written for a test, read back to compare. */
import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Path to content; an empty folder is `{ folder: true }`. */
export type Tree = Readonly<Record<string, Node>>;
export type Node =
  string | { readonly program: string } | { readonly link: string } | { readonly folder: true };

export async function writeTree(dir: string, tree: Tree): Promise<void> {
  for (const [path, node] of Object.entries(tree)) {
    const at = join(dir, path);
    await mkdir(dirname(at), { recursive: true });
    if (typeof node === 'string') await writeFile(at, node);
    else if ('link' in node) await symlink(node.link, at);
    else if ('folder' in node) await mkdir(at, { recursive: true });
    else {
      await writeFile(at, node.program);
      await chmod(at, 0o755);
    }
  }
}

/** Folders that hold something are seen by what they hold. */
export async function readTree(dir: string): Promise<Tree> {
  const tree: Record<string, Node> = {};
  for (const dirent of await readdir(dir, { withFileTypes: true, recursive: true })) {
    const at = join(dirent.parentPath, dirent.name);
    const path = at.slice(dir.length + 1);
    if (dirent.isSymbolicLink()) tree[path] = { link: await readlink(at) };
    else if (dirent.isDirectory()) {
      if ((await readdir(at)).length === 0) tree[path] = { folder: true };
    } else {
      const content = await readFile(at, 'utf8');
      tree[path] = ((await lstat(at)).mode & 0o100) === 0 ? content : { program: content };
    }
  }
  return tree;
}
