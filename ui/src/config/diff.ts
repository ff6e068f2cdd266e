/** Two texts, line by line. Pure. */
export interface DiffLine {
  kind: 'same' | 'out' | 'in' | 'gap';
  text: string;
}

const AROUND = 2;
/** Beyond this many comparisons the middle is shown as replaced as a whole. */
const MOST = 4_000_000;

export function lineDiff(before: string, after: string): DiffLine[] {
  const a = before.split('\n');
  const b = after.split('\n');
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const line = (kind: DiffLine['kind']) => (text: string): DiffLine => ({ kind, text });
  const all = [
    ...a.slice(0, head).map(line('same')),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(line('same')),
  ];
  return shortened(all);
}

function middle(a: string[], b: string[]): DiffLine[] {
  const out: DiffLine[] = [];
  if (a.length * b.length > MOST) return [...a.map((text) => ({ kind: 'out' as const, text })), ...b.map((text) => ({ kind: 'in' as const, text }))];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      longest[i * width + j] = a[i] === b[j] ? longest[(i + 1) * width + j + 1]! + 1 : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ kind: 'same', text: a[i]! });
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!)) {
      out.push({ kind: 'out', text: a[i]! });
      i += 1;
    } else {
      out.push({ kind: 'in', text: b[j]! });
      j += 1;
    }
  }
  return out;
}

/** Only what changed, with a few lines around it. */
function shortened(all: DiffLine[]): DiffLine[] {
  const near = all.map(() => false);
  all.forEach(({ kind }, at) => {
    if (kind !== 'same') for (let one = Math.max(0, at - AROUND); one <= Math.min(all.length - 1, at + AROUND); one += 1) near[one] = true;
  });
  const out: DiffLine[] = [];
  all.forEach((line, at) => {
    if (near[at]) out.push(line);
    else if (out.at(-1)?.kind !== 'gap' && near.some(Boolean)) out.push({ kind: 'gap', text: '' });
  });
  return out;
}
