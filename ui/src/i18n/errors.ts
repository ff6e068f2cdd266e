/**
 * What went wrong, by its stable code, in the language of the page. English keeps the sender's own words, which name
 * particulars; another language says what the code means, and adds those words where they say more.
 */
import { m } from '../paraglide/messages.js';
import { language } from './language.svelte';

/** Codes of the page's own connection, of the app, of set-up and its checks, and of a gateway's problems. */
const WORDS: Record<string, () => string> = {
  NOT_CONNECTED: m.error_not_connected, 'not-connected': m.error_not_connected,
  CONNECTION_LOST: m.error_connection_lost, CLOSED: m.error_connection_lost, SILENT: m.error_silent,
  TIMEOUT: m.error_timeout, TOO_MANY_REQUESTS: m.error_too_many, BAD_FRAME: m.error_bad_frame,
  AUTH_REVOKED: m.error_auth_revoked, RESTARTING: m.error_restarting, STARTING: m.error_starting,
  FORBIDDEN: m.error_forbidden, NOT_PAIRED: m.error_not_paired, APPROVAL_NOT_FOUND: m.error_approval_over,
  AGENT_TIMEOUT: m.error_agent_timeout, UNKNOWN: m.error_unknown,
  'unknown-profile': m.error_unknown_profile, 'not-owner': m.error_not_owner, 'no-browser': m.error_no_browser,
  'link-refused': m.error_link_refused, 'draft-not-saved': m.error_draft, 'no-config-dir': m.error_no_folder,
  'setup-timeout': m.error_setup_timeout, 'setup-failed': m.error_setup_failed, 'sidecar-missing': m.error_sidecar,
  'log-unreadable': m.error_log, autostart: m.error_autostart,
  'crash-loop': m.error_crash_loop, 'running-on-last-good': m.error_last_good, 'running-in-safe-mode': m.error_safe_mode,
  'gateway-not-startable': m.error_not_startable, 'config-refused': m.error_config_refused,
  'keychain.locked': m.keychain_locked, 'keychain.no-service': m.keychain_no_service, 'keychain.no-bus': m.keychain_no_bus,
  'keychain.denied': m.keychain_denied, 'keychain.timeout': m.keychain_timeout,
  'model-unreachable': m.error_model_unreachable, 'model-timeout': m.error_model_timeout, 'model-key-rejected': m.error_model_key,
  'model-not-found': m.error_model_not_found, 'model-rate-limited': m.error_model_busy, 'model-unavailable': m.error_model_down,
  'model-request-refused': m.error_model_refused, 'model-reply-unreadable': m.error_model_unreadable,
  'telegram-malformed-token': m.bot_shapeless, 'telegram-token-malformed': m.bot_shapeless,
  'telegram-bad-token': m.error_bot_token, 'telegram-conflict': m.error_bot_conflict,
  'telegram-unreachable': m.error_bot_unreachable, 'telegram-server-trouble': m.error_bot_server,
  'telegram-bad-api-root': m.error_bot_api_root, 'telegram-not-the-api': m.error_bot_api_root, 'telegram-bad-proxy': m.error_proxy,
  'port-taken': m.error_port_taken,
};

/** Where the sender's words say which, or why. */
const PARTICULARS = new Set([
  'setup-failed', 'crash-loop', 'running-on-last-good', 'gateway-not-startable', 'config-refused', 'log-unreadable', 'autostart',
  'no-config-dir', 'draft-not-saved', 'model-unreachable', 'model-not-found', 'model-request-refused', 'model-unavailable',
  'telegram-unreachable', 'telegram-server-trouble', 'port-taken', 'unknown-profile',
]);

export function errorWords(code: string | null | undefined, said: string): string {
  if (language.current === 'en' && said !== '') return said;
  const words = code ? WORDS[code]?.() : undefined;
  if (words === undefined) return said;
  return said !== '' && PARTICULARS.has(code!) ? `${words} (${said})` : words;
}
