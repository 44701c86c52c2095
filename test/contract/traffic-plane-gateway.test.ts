/** Hunts promises of the traffic plane that Segue's own gateway, as a process of its own, does not keep. */
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { systemClock } from '../../src/drivers/clock/system.ts';
import { GatewayPlane } from '../../src/drivers/traffic/gateway/gateway-plane.ts';
import { trafficPlaneContract } from './traffic-plane.ts';
import { program } from '../support/program.ts';

const mainFile = program('src/main/gateway.ts');

trafficPlaneContract('gateway', {
  make: async (t) => {
    const root = await fs.mkdtemp(path.join(os.tmpdir(), 'plane-test-'));
    t.after(() => fs.rm(root, { recursive: true, force: true }));
    return () => new GatewayPlane({ root, mainFile, clock: systemClock });
  },
});
