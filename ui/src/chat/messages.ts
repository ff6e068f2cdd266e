/** Messages as gateways send them (several shapes), turned into the one shape that we draw. */
export interface ToolCall {
  id: string;
  name: string;
  input: string;
  output: string | null;
  failed: boolean;
  state: 'running' | 'done' | 'interrupted';
}

export interface Message {
  /** The gateway's id; `null` for what exists only here yet. */
  id: string | null;
  role: 'user' | 'assistant' | 'system';
  text: string;
  tools: ToolCall[];
  time: number | null;
  /** Who wrote it on a channel; nobody's name when it was written here. */
  sender?: string | null;
  runId: string | null;
  /** The client's key, for a message that this window sent. */
  key: string | null;
  stopReason: string | null;
  /** The gateway ended in the middle of this answer. */
  interrupted?: boolean;
  error: string | null;
}

type Loose = Record<string, unknown>;

const record = (value: unknown): Loose | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : null;
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

export function pretty(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value, null, 2);
  } catch {
    return String(value);
  }
}

/** The words in a message's content, whether it is a string or a list of parts. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part) => {
      const one = record(part);
      if (!one) return typeof part === 'string' ? part : '';
      return one['type'] === 'text' || one['type'] === 'output_text' ? (text(one['text']) ?? '') : '';
    })
    .filter(Boolean)
    .join('\n\n');
}

const CALLS = new Set(['toolCall', 'tool_call', 'tool_use', 'toolUse', 'functionCall']);
const RESULTS = new Set(['toolResult', 'tool_result']);

function toolCalls(content: unknown): ToolCall[] {
  if (!Array.isArray(content)) return [];
  return content.flatMap((part) => {
    const one = record(part);
    if (!one || !CALLS.has(String(one['type']))) return [];
    return [
      {
        id: text(one['id']) ?? text(one['toolCallId']) ?? '',
        name: text(one['name']) ?? text(one['toolName']) ?? 'tool',
        input: pretty(one['arguments'] ?? one['input'] ?? one['args']),
        output: null,
        failed: false,
        state: 'running' as const,
      },
    ];
  });
}

export interface ToolResult {
  id: string;
  name: string;
  output: string;
  failed: boolean;
}

export function toolResults(raw: unknown): ToolResult[] {
  const message = record(raw);
  if (!message) return [];
  const role = String(message['role']);
  if (role === 'toolResult' || role === 'tool' || role === 'tool_result') {
    return [
      {
        id: text(message['toolCallId']) ?? text(message['tool_call_id']) ?? text(message['toolUseId']) ?? '',
        name: text(message['toolName']) ?? text(message['name']) ?? 'tool',
        output: contentText(message['content']) || pretty(message['details'] ?? message['result']),
        failed: message['isError'] === true || message['is_error'] === true,
      },
    ];
  }
  if (!Array.isArray(message['content'])) return [];
  return message['content'].flatMap((part) => {
    const one = record(part);
    if (!one || !RESULTS.has(String(one['type']))) return [];
    return [
      {
        id: text(one['tool_use_id']) ?? text(one['toolCallId']) ?? text(one['id']) ?? '',
        name: text(one['name']) ?? text(one['toolName']) ?? 'tool',
        output: contentText(one['content']) || pretty(one['content'] ?? one['result']),
        failed: one['isError'] === true || one['is_error'] === true,
      },
    ];
  });
}

/** `null`: nothing of its own to show (a tool's result belongs to the call above it). */
export function readMessage(raw: unknown, given: { id?: unknown; runId?: unknown } = {}): Message | null {
  const message = record(raw);
  if (!message) return null;
  const role = String(message['role']);
  if (role !== 'user' && role !== 'assistant' && role !== 'system') return null;
  const meta = record(message['__openclaw']) ?? {};
  const key = text(message['idempotencyKey']) ?? text(meta['idempotencyKey']);
  const words = contentText(message['content']) || (text(message['text']) ?? '');
  const tools = toolCalls(message['content']);
  const error = text(message['errorMessage']);
  if (words === '' && tools.length === 0 && error === null) return null;
  return {
    id: text(meta['id']) ?? text(message['id']) ?? text(given.id),
    role,
    text: words,
    tools,
    time: typeof message['timestamp'] === 'number' ? message['timestamp'] : null,
    sender: role === 'user' ? text(message['senderLabel']) : null,
    runId: text(meta['runId']) ?? text(message['runId']) ?? text(given.runId),
    key: key ? key.replace(/:user$/, '') : null,
    stopReason: text(message['stopReason']),
    interrupted: message['interrupted'] === true,
    error,
  };
}
