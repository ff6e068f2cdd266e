/** What a conversation is called where conversations are listed. */
import { m } from '../paraglide/messages.js';
import { place } from './sessions.svelte';

export function sessionTitle({ key, title, preview }: { key: string; title: string | null; preview: string | null }): string {
  const { channel, peer, main } = place(key);
  if (main) return m.chat_main();
  if (channel) return title && !title.includes(':') ? title : `${channel} ${peer ?? ''}`;
  if (title && !/^(chat-|explicit:|agent:)/.test(title)) return title;
  return preview?.slice(0, 60) ?? m.chat_new();
}
