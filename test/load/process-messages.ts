import type { LoadOptions } from './options.ts';
import type { Snapshot, Summary } from './summary.ts';

/** Between `load-process.ts` and its child; both are of one build, so shapes are trusted once told apart. */
export type ToChild =
  | { readonly type: 'start'; readonly options: LoadOptions }
  | { readonly type: 'mark'; readonly name: string }
  | { readonly type: 'stop' };

export type FromChild =
  | { readonly type: 'marked' }
  | { readonly type: 'stats'; readonly snapshot: Snapshot }
  | { readonly type: 'summary'; readonly summary: Summary };

const isMessage = (value: unknown): value is { type: unknown } =>
  typeof value === 'object' && value !== null && 'type' in value;

export const isToChild = (value: unknown): value is ToChild =>
  isMessage(value) && (value.type === 'start' || value.type === 'mark' || value.type === 'stop');

export const isFromChild = (value: unknown): value is FromChild =>
  isMessage(value) && (value.type === 'marked' || value.type === 'stats' || value.type === 'summary');
