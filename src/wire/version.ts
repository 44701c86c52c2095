/** The version of this Segue; a test holds it to package.json. */
export const SEGUE_VERSION = '0.1.0';
