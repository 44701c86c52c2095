// node put.js 20: twenty jobs for the queue.
import { put } from './queue.js';

for (let i = 1; i <= Number(process.argv[2] ?? 1); i += 1) put({ id: `mail-${process.pid}-${i}`, ms: 500 });
