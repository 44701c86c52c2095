/**
 * `import { serveDirect } from 'segue/direct'`: for programs that take traffic without a proxy in between. Runs in
 * the user's process, on Node 20 and newer, and imports nothing but Node.
 */
export { serveDirect, type DirectOptions, type DirectServer } from './serve-direct.ts';
