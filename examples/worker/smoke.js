// What must hold before more of a version begin: it can say something.
import { readFileSync } from 'node:fs';

const { name, greeting } = JSON.parse(readFileSync(new URL('./version.json', import.meta.url), 'utf8'));
if (!name || !greeting) throw new Error('version.json needs a name and a greeting');
