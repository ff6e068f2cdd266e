/** Health, remedies and marks in words, and the mark that goes with them. */
import type { MarkState } from '../parts/mark';
import { m } from '../paraglide/messages.js';
import type { Cause, Health, Verdict } from './shapes';

export function healthMark(health: Health | undefined): MarkState {
  const marks: Record<Health, MarkState> = { good: 'good', degraded: 'warn', down: 'bad', planned: 'off', unknown: 'unknown' };
  return marks[health ?? 'unknown'] ?? 'unknown';
}

export function healthWords(health: Health | undefined): string {
  const words: Record<Health, () => string> = {
    good: m.rescue_good, degraded: m.rescue_degraded, down: m.rescue_down, planned: m.rescue_planned, unknown: m.rescue_unknown,
  };
  return (words[health ?? 'unknown'] ?? m.rescue_unknown)();
}

const REMEDIES: Record<string, () => string> = {
  restart: m.remedy_restart, start: m.remedy_start, rollback: m.remedy_rollback, 'safe-mode': m.remedy_safe_mode,
  'move-to-service': m.remedy_move_to_service, 'enable-service': m.remedy_enable_service, 'other-port': m.remedy_other_port,
  'end-holder': m.remedy_end_holder, logs: m.remedy_logs, doctor: m.remedy_doctor, quiet: m.remedy_quiet,
};

/** A remedy that a newer gateway knows is shown by its own name. */
export function remedyWords(remedy: string): string {
  return REMEDIES[remedy]?.() ?? remedy;
}

/** Whether it takes something away. */
export function isDestructive(remedy: string): boolean {
  return ['rollback', 'end-holder', 'other-port'].includes(remedy);
}

export function autoWords(auto: string | undefined): string {
  return ({ restart: m.rescue_auto_restart, rollback: m.rescue_auto_rollback }[auto ?? ''] ?? m.rescue_auto_off)();
}

const CAUSES: Record<string, (of: { watched: string }) => string> = {
  'binary-missing': m.cause_binary_missing, 'node-broken': m.cause_node_broken, 'config-emptied': m.cause_config_emptied,
  'config-invalid': m.cause_config_invalid, 'state-read-only': m.cause_state_read_only, 'disk-full': m.cause_disk_full,
  'service-disabled': m.cause_service_disabled, 'crash-loop': m.cause_crash_loop, hung: m.cause_hung, killed: m.cause_killed,
  'supervisor-gone': m.cause_supervisor_gone, down: m.cause_down, 'not-a-gateway': m.cause_not_a_gateway,
  'bot-token-revoked': m.cause_bot_token_revoked, 'model-key-revoked': m.cause_model_key_revoked,
  'provider-down': m.cause_provider_down, 'channel-down': m.cause_channel_down, 'port-stolen': m.cause_port_stolen,
};

/** What is wrong, in one line. What this version does not know yet is at least said to be wrong. */
export function causeWords(cause: Cause, watched: string): string {
  if (cause.code === 'limited') {
    return cause.mode === 'waiting-for-keychain' ? m.cause_waiting_for_keychain({ watched }) : m.cause_safe_mode({ watched });
  }
  return (CAUSES[cause.code] ?? m.cause_unknown)({ watched });
}

export function verdictWords({ verdict, seen, refusal }: Verdict): string {
  const words: Record<Verdict['verdict'], string> = {
    running: m.verdict_running(), repaired: m.verdict_repaired(), done: m.verdict_done(),
    'no-effect': seen ? m.verdict_no_effect_seen({ seen }) : m.verdict_no_effect(),
    failed: refusal?.message ?? m.verdict_failed(),
  };
  return words[verdict] ?? verdict;
}

export function verdictMark({ verdict }: Verdict): MarkState {
  return ({ running: 'busy', repaired: 'good', done: 'good', 'no-effect': 'warn', failed: 'bad' } as const)[verdict] ?? 'unknown';
}

/** `telegram:42` and the like, for people. */
export function actorWords(by: string): string {
  const [via, user] = by.split(':');
  if (via === 'telegram' && user) return m.by_telegram({ user });
  return { cli: m.by_cli(), app: m.by_app(), agent: m.by_agent(), auto: m.by_auto() }[via ?? ''] ?? by;
}
