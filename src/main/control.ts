/** The control process: `control --dir ROOT [--environment NAME]`. Its output goes to `.segue/control.log`. */
import { runControl } from './run-control.ts';

await runControl();
