/** Suites of public projects, which lie beside the project or beside the folder that it is in. */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Null: they are not there. */
export function sharedData(name: string): string | null {
  const places = ['../../../shared/data/', '../../../../shared/data/'];
  const found = places.map((place) => fileURLToPath(new URL(place + name, import.meta.url)));
  return found.find((folder) => fs.existsSync(folder)) ?? null;
}
