/** Loads again whenever events may have been missed: on every (re)connection, and after a gap. */
import type { EventFrame } from '../bindings/commands';
import type { Transport, Unsubscribe } from '../transport/types';

/** Many events in a moment make one load. */
const TOGETHER_MS = 250;

export interface Live {
  /** Something changed: load soon, once for all that comes meanwhile. */
  soon(): void;
  close: Unsubscribe;
}

export function live(transport: Transport, profile: string, load: () => unknown, onEvent?: (frame: EventFrame, soon: () => void) => void): Live {
  let epoch = -1;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = null;
      void load();
    }, TOGETHER_MS);
  };
  const offs = [
    transport.connectionState(profile, (connection) => {
      if (connection.phase !== 'open' || connection.epoch === epoch) return;
      epoch = connection.epoch;
      void load();
    }),
    ...(onEvent ? [transport.subscribe(profile, (frame) => onEvent(frame, soon))] : []),
  ];
  return {
    soon,
    close: () => {
      for (const off of offs) off();
      if (timer) clearTimeout(timer);
    },
  };
}
