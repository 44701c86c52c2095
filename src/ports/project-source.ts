import type { Project } from '../core/project.ts';

/** Where the project's file comes from. Throws FILE_MISSING and FILE_INVALID with the place. */
export interface ProjectSource {
  /** Absolute path of the project's folder. */
  readonly root: string;
  load(environment: string | null): Promise<Project>;
}
