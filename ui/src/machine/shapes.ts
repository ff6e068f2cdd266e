/** What the command line answers about this computer (`bulkhead … --json`), as the pages read it. */
export type Level = 'error' | 'warning' | 'info' | 'ok';

export const SUBJECTS = [
  'config', 'isolation', 'ports', 'permissions', 'keychain', 'services', 'lingering', 'version', 'database', 'jobs', 'disk', 'clock', 'model', 'channels', 'chrome',
] as const;
export type Subject = (typeof SUBJECTS)[number];

export interface DoctorFinding {
  code: string;
  severity: Level;
  subject: Subject;
  profile: string;
  found: string;
  why?: string;
  nextStep?: string;
  /** What doctor can do about it; asked for first unless it is safe. */
  fix?: { title: string; safe: boolean };
}

export interface Treatment {
  code: string;
  profile: string;
  title: string;
  state: 'done' | 'failed' | 'skipped';
  message: string;
}

export interface Examination {
  ok: boolean;
  findings: DoctorFinding[];
  fixed: Treatment[];
}

export interface DoctorProgress {
  type: 'progress';
  subject: Subject;
  profile: string;
  state: 'running' | 'ok' | 'warning' | 'failed';
  code: string;
  message: string;
}

export interface ConfigVersion {
  hash: string;
  /** When a gateway ran healthy on it: RFC 3339. */
  at: string;
  keys: number;
  /** It is in the file now. */
  current: boolean;
}

export interface ConfigDiff {
  changed: boolean;
  /** Unified, without secrets. */
  diff: string;
  fields: string[] | null;
}

export interface RolledBack {
  changed: boolean;
  to: string;
  /** Where the file that was replaced is kept. */
  rejected: string | null;
}

export interface SecretRow {
  id: string;
  source: 'keychain' | 'file' | 'env' | 'exec';
  store: string;
  state: 'present' | 'missing' | 'locked' | 'unreachable';
  message?: string;
  /** The configuration refers to it. */
  used: boolean;
}

export interface SecretList {
  /** Where new secrets go. */
  default: SecretRow['source'];
  secrets: SecretRow[];
}

/** Whether the running gateway learned of a change. */
export type Taken = { state: 'handed-over' | 'next-start' } | { state: 'refused'; message: string };

export interface SecretChange {
  id: string;
  gateway: Taken;
}

export interface BundleFile {
  name: string;
  text: string;
}
