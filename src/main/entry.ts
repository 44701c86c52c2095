import { fileURLToPath } from 'node:url';

/** The file that starts one of Segue's processes: `.ts` in a checkout, `.js` in the published package. */
export function entryFile(name: 'cli' | 'control' | 'gateway' | 'gateway-worker'): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`./${name}.${extension}`, import.meta.url));
}
