/** A verdict in words. */
import { m } from '../paraglide/messages.js';
import type { MarkState } from '../parts/mark';
import { HIGHEST, LEAST_GAP, LOWEST, SPAN, type Verdict } from './spacing';

export function verdictWords(verdict: Verdict): string {
  switch (verdict.fit) {
    case 'free':
      return verdict.neighbour === null || verdict.distance === null
        ? m.verdict_free()
        : m.verdict_free_beside({ neighbour: verdict.neighbour, distance: verdict.distance });
    case 'overlap':
      return m.verdict_overlap({
        neighbour: verdict.neighbour,
        shared: verdict.shared,
        from: String(verdict.from),
        to: String(verdict.to),
        wanted: String(SPAN + 1),
      });
    case 'close':
      return m.verdict_close({ neighbour: verdict.neighbour, gap: verdict.gap, least: String(LEAST_GAP) });
    case 'taken':
      return verdict.program
        ? m.verdict_taken_by({ port: String(verdict.port), program: verdict.program, pid: String(verdict.pid ?? '?') })
        : m.verdict_taken({ port: String(verdict.port) });
    case 'derived-taken':
      return m.verdict_derived({ port: String(verdict.port), program: verdict.program ?? m.another_program() });
    case 'range':
      return m.verdict_range({ lowest: String(LOWEST), highest: String(HIGHEST) });
  }
}

export function verdictMark(verdict: Verdict): MarkState {
  if (verdict.fit === 'free') return 'good';
  return verdict.fit === 'overlap' || verdict.fit === 'derived-taken' ? 'warn' : 'bad';
}

export function verdictTone(verdict: Verdict): 'fine' | 'warn' | 'bad' {
  return verdict.fit === 'free' ? 'fine' : verdictMark(verdict) === 'warn' ? 'warn' : 'bad';
}
