/** One time line out of several, without sorting what is in order already. Pure. */
import type { LogLine } from './line';

/** Lines of several logs by time; lines without a time stay behind the line before them. */
export function merged(sources: readonly (readonly LogLine[])[]): readonly LogLine[] {
  const full = sources.filter((lines) => lines.length > 0);
  if (full.length <= 1) return [...(full[0] ?? [])];
  const heads = full.map((lines) => ({ lines, at: 0, time: lines[0]!.time ?? 0 }));
  const all: LogLine[] = [];
  for (let open = heads.length; open > 0; ) {
    let next: (typeof heads)[number] | null = null;
    for (const head of heads) if (head.at < head.lines.length && (next === null || head.time < next.time)) next = head;
    if (next === null) break;
    all.push(next.lines[next.at]!);
    next.at += 1;
    if (next.at === next.lines.length) open -= 1;
    // A clock that was set back does not hold up the others.
    else next.time = Math.max(next.time, next.lines[next.at]!.time ?? next.time);
  }
  return all;
}

/** New lines behind those that are there; one that was late is put where it belongs. The newest `most` stay. */
export function appended(before: readonly LogLine[], fresh: readonly LogLine[], most: number): readonly LogLine[] {
  const begins = fresh[0]?.time ?? null;
  let cut = before.length;
  if (begins !== null) while (cut > 0 && (before[cut - 1]!.time ?? 0) > begins) cut -= 1;
  const all = cut === before.length ? [...before, ...fresh] : [...before.slice(0, cut), ...merged([before.slice(cut), fresh])];
  return all.length > most ? all.slice(-most) : all;
}
