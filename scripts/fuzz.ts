/**
 * `npm run fuzz -- --messages 10000000 --seed 7`: the differential test of the scanner against Node's own parser
 * (test/integration/gateway-fuzz.test.ts), as long as is wanted. The seed names the messages of a run.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const FILE = 'test/integration/gateway-fuzz.test.ts';
const MESSAGES = '1000000';

const { values } = parseArgs({
  options: { messages: { type: 'string', default: MESSAGES }, seed: { type: 'string', default: '1' } },
});
for (const [name, value] of Object.entries(values))
  if (!/^[1-9]\d{0,9}$/.test(value)) throw new Error(`--${name} takes a whole number, not "${value}"`);

const env = { ...process.env, SEGUE_FUZZ_MESSAGES: values.messages, SEGUE_FUZZ_SEED: values.seed };
const child = spawn(process.execPath, ['--test', '--test-reporter=spec', FILE], { env, stdio: 'inherit' });
child.on('close', (code) => {
  process.exitCode = code ?? 1;
});
