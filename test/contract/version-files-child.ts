/** Keeps `FROM` as version `VERSION` of the service `web`: `node version-files-child.ts ROOT FROM VERSION`. */
import { SegueError } from '../../src/core/errors.ts';
import { LocalVersionFiles } from '../../src/drivers/files/local/local-version-files.ts';

const [root = '', from = '', version = ''] = process.argv.slice(2);
try {
  const files = new LocalVersionFiles({ root });
  await files.keep({ service: 'web', version, from, ignore: [], earlier: [] });
  process.stdout.write('kept\n');
} catch (error) {
  process.stdout.write(
    error instanceof SegueError ? `${error.code} ${error.detail}\n` : `${String(error)}\n`,
  );
}
