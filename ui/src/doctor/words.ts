/** What doctor looks at, in words. */
import type { MarkState } from '../parts/mark';
import type { Level, Subject } from '../machine/shapes';
import { m } from '../paraglide/messages.js';
import type { Check } from './doctor.svelte';

const SUBJECT: Record<Subject, () => string> = {
  config: m.doctor_config, isolation: m.doctor_isolation, ports: m.doctor_ports, permissions: m.doctor_permissions, keychain: m.doctor_keychain,
  services: m.doctor_services, lingering: m.doctor_lingering, version: m.doctor_version, database: m.doctor_database, jobs: m.doctor_jobs,
  disk: m.doctor_disk,
  clock: m.doctor_clock, model: m.doctor_model, channels: m.doctor_channels, chrome: m.doctor_chrome,
};

export function subjectWords(subject: Subject): string {
  return SUBJECT[subject]?.() ?? subject;
}

export function levelMark(level: Level): MarkState {
  return ({ error: 'bad', warning: 'warn', info: 'unknown', ok: 'good' } as const)[level];
}

export function checkMark(check: Check | undefined): MarkState {
  return check ? ({ running: 'busy', ok: 'good', warning: 'warn', failed: 'bad' } as const)[check.state] : 'off';
}

export function checkWords(check: Check | undefined): string {
  return check ? { running: m.doctor_running(), ok: m.doctor_ok(), warning: m.doctor_warning(), failed: m.doctor_error() }[check.state] : m.doctor_waiting();
}
