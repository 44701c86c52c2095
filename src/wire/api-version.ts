/** Apart from `api.ts`, so that the CLI starts without loading the schemas. */
export const API_VERSION = 1;
/** Sent by the CLI with every request, checked by control. */
export const API_HEADER = 'segue-api';

/** `up --environment none`: segue.yaml without any environment's changes. Left out, the last `up` decides. */
export const NO_ENVIRONMENT = 'none';
