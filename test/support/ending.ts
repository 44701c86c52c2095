/**
 * Loaded before every test file: one whose tests are over and which does not end is ended, and fails with what it
 * left open. The runner's own time limit is for tests, so it would wait for such a file for ever.
 */
import { after } from 'node:test';

const endsWithinMs = Number(process.env['SEGUE_TEST_ENDS_WITHIN_MS'] ?? 60_000);

after(() => {
  const end = () => {
    console.error(
      `The tests are over, and this is still open: ${process.getActiveResourcesInfo().join(', ')}`,
    );
    process.exit(1);
  };
  setTimeout(end, endsWithinMs).unref();
});
