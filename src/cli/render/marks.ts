import type { Verdict } from '../../core/judge/verdict.ts';
import type { Style } from './style.ts';

export const STYLES: Readonly<Record<Verdict, Style>> = {
  'better-or-same': 'green',
  worse: 'red',
  'not-enough-evidence': 'dim',
};

export const MARKS: Readonly<Record<Verdict, string>> = {
  'better-or-same': '✓',
  worse: '✗',
  'not-enough-evidence': '·',
};
