/** Where a service can go back to now, for whoever asks how things stand. */
import { SegueError, toErrorRecord } from '../core/errors.ts';
import { endsBetween, type WayBackNow, wayBackAfter, wayBackDuring } from '../core/release/way-back.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import type { Control } from './control.ts';

/** Null: nothing to say. Where no database is released with the code a rollback is always the same. */
export function wayBackOf({ ledger, database }: Control, service: string): WayBackNow | null {
  const { stable, previous, activeRelease } = ledger.service(service);
  const active = activeRelease === null ? undefined : ledger.release(activeRelease);
  if (active) return wayBackDuring(active);
  const { desk } = database;
  const schema = desk.factsFor(service, null, desk.choice);
  if (!schema || stable === null || previous === null) return null;
  try {
    desk.refuseTaken(schema, previous);
  } catch (error) {
    if (!(error instanceof SegueError)) throw error;
    return wayBackAfter(service, previous, [], toErrorRecord(error));
  }
  return wayBackAfter(service, previous, endsBetween(schema, stable, previous), null);
}

/** The same for a release that is shown: only while what it says is about what it did. */
export function wayBackFrom(control: Control, { id, service, from, to }: ReleaseRecord): WayBackNow | null {
  const { stable, previous, activeRelease } = control.ledger.service(service);
  const isNewest = activeRelease === null ? stable === to && previous === from : activeRelease === id;
  return isNewest ? wayBackOf(control, service) : null;
}
