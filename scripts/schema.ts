/** Writes segue.schema.json and segue.change.schema.json from the schemas in src/wire. `npm run schema` */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectJsonSchema } from '../src/wire/file/json-schema.ts';
import { changeJsonSchema } from '../src/wire/change/parse.ts';

const root = join(import.meta.dirname, '..');
const write = (name: string, schema: unknown) =>
  writeFileSync(join(root, name), `${JSON.stringify(schema, null, 2)}\n`);

write('segue.schema.json', projectJsonSchema());
write('segue.change.schema.json', changeJsonSchema());
