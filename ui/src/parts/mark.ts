/** What a mark can say. Each has its own shape; the words beside it say the same again. */
export type MarkState = 'good' | 'busy' | 'warn' | 'bad' | 'off' | 'unknown';
