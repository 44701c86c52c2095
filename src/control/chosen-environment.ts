/** The environment of segue.yaml that control was told to use, now or at an earlier start. */
import { NO_ENVIRONMENT } from '../wire/api-version.ts';

export const ENVIRONMENT_SETTING = 'environment';

export function environmentOf(asked: string | null, remembered: string | undefined): string | null {
  if (asked === NO_ENVIRONMENT) return null;
  return asked ?? (remembered === undefined || remembered === '' ? null : remembered);
}
