/** Writes segue.schema.json from the schema in src/wire/file. `npm run schema` */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectJsonSchema } from '../src/wire/file/json-schema.ts';

const file = join(import.meta.dirname, '..', 'segue.schema.json');
writeFileSync(file, `${JSON.stringify(projectJsonSchema(), null, 2)}\n`);
