/** What `rescue.*` tells, as far as the pages show it. Whatever is missing is read as "not known". */

export type Health = 'good' | 'degraded' | 'down' | 'planned' | 'unknown';
export type Shade = Health;

export interface TimelineMark {
  atMs: number;
  /** `exit`, `incident`, `over`, `remedy`, `drill`, `slept`, `version`. */
  kind: string;
  text: string;
}

/** Equal minutes one after another. */
export interface Stretch {
  /** The first one, in milliseconds since 1970. */
  fromMs: number;
  minutes: number;
  shade: Shade;
}

export interface SavedTimeline {
  /** Oldest first. Minutes between two of them are unknown. */
  stretches: Stretch[];
  marks: TimelineMark[];
}

export type Phase =
  | { phase: 'open' }
  | { phase: 'repairing'; request: string; sinceMs: number }
  | { phase: 'over'; atMs: number };

export interface Verdict {
  verdict: 'running' | 'repaired' | 'done' | 'no-effect' | 'failed';
  seen?: string;
  refusal?: { message: string };
}

export interface RemedyOutcome {
  request: string;
  remedy: string;
  /** Who asked: `telegram:42`, `cli`, `app`, `auto`. */
  by: string;
  askedMs: number;
  endedMs: number | null;
  verdict: Verdict;
}

/** What is wrong: a stable code, and particulars that differ by it. */
export interface Cause {
  code: string;
  holder?: { port: number; program: string | null };
  mode?: string;
}

export interface Incident {
  id: string;
  watched: string;
  cause: Cause;
  severity?: 'degraded' | 'down';
  evidence: string[];
  beganMs: number;
  noticedMs: number;
  toldMs: number | null;
  phase: Phase;
  returns?: number;
  logLines: string[];
  configChange: string[];
  remedies: RemedyOutcome[];
  drill: boolean;
}

export interface RescueStatus {
  configured: boolean;
  watched?: string;
  kind?: string;
  health?: Health;
  summary?: string;
  remedies: string[];
  auto?: string;
  operators: string[];
  warnings: string[];
  incident?: Incident;
  details?: { timeline?: SavedTimeline };
}

export interface RemedyReply {
  /** `accepted`: under way. `confirm`: ask the person, then again. `answer`: done. */
  reply: string;
  text: string;
  request: string;
}

export interface DrillReply {
  drill: string;
  beganMs: number;
  text: string;
}

/** What a drill measured: milliseconds since the gateway was taken down. */
export interface DrillReport {
  beganMs: number;
  noticedAfterMs: number | null;
  toldAfterMs: number | null;
  repairedAfterMs: number | null;
  verdict: string;
}
