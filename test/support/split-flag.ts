import type { FlagDefinition } from '../../src/core/flags/definition.ts';

/** One that is shared out by a hash, half and half. */
export const SPLIT_FLAG: FlagDefinition = {
  state: 'ENABLED',
  variants: { on: true, off: false },
  defaultVariant: 'off',
  targeting: {
    fractional: [
      ['on', 50],
      ['off', 50],
    ],
  },
  metadata: {},
};
