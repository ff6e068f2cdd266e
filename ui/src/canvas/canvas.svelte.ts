/** The documents of a gateway's conversations, and the one that is looked at. */
import { asRequestError, type Transport, type Unsubscribe } from '../transport/types';
import { uuid } from '../transport/uuid';
import { pushedSince } from './saying';

export interface Document {
  docId: string;
  sessionKey: string;
  kind: 'html' | 'a2ui';
  title: string;
  revision: number;
  updatedAtMs: number;
  shown?: boolean;
}

/** A document as it stands in a frame. */
export interface View {
  docId: string;
  sessionKey: string;
  url: string;
  content: string;
}

interface Changed {
  reason?: 'written' | 'removed' | 'shown' | 'hidden';
  docId?: string;
  document?: Document;
}

export class Canvas {
  /** `null`: not loaded yet. */
  documents = $state.raw<readonly Document[] | null>(null);
  opened = $state.raw<string | null>(null);
  view = $state.raw<View | null>(null);
  problem = $state<string | null>(null);
  readonly document = $derived(this.documents?.find(({ docId }) => docId === this.opened) ?? null);
  /** Pushes what is new into the frame; set by whoever draws it. */
  push: ((messages: unknown[]) => void) | null = null;
  readonly #off: Unsubscribe[] = [];
  #loads = 0;
  #views = 0;
  #acting = 0;

  constructor(
    readonly transport: Transport,
    readonly profile: string,
    /** Whether documents are drawn here; else they only have windows of their own. */
    readonly framed: boolean,
  ) {}

  open(): () => void {
    let epoch = -1;
    this.#off.push(
      this.transport.subscribe(this.profile, ({ event, payload }) => {
        if (event === 'canvas.changed') this.#changed((payload ?? {}) as Changed);
      }),
      this.transport.connectionState(this.profile, (connection) => {
        if (connection.phase !== 'open' || connection.epoch === epoch) return;
        epoch = connection.epoch;
        // Addresses die with the connection that got them.
        this.view = null;
        void this.load();
      }),
    );
    return () => {
      for (const off of this.#off) off();
    };
  }

  async load(): Promise<void> {
    this.#loads += 1;
    const load = this.#loads;
    try {
      const { documents } = await this.transport.request<{ documents: Document[] }>(this.profile, 'canvas.list', {});
      if (load !== this.#loads) return;
      this.documents = documents;
      this.problem = null;
      if (!documents.some(({ docId }) => docId === this.opened)) this.opened = documents[0]?.docId ?? null;
      await this.look();
    } catch (thrown) {
      if (load !== this.#loads) return;
      const { message, retryable } = asRequestError(thrown);
      if (message.startsWith('unknown method')) this.documents = [];
      else if (!retryable) this.problem = message;
    }
  }

  async choose(docId: string): Promise<void> {
    this.opened = docId;
    await this.look();
  }

  /** Gets the document that is looked at, unless the frame can be told what is new in it. */
  async look(): Promise<void> {
    const docId = this.opened;
    const document = this.document;
    if (!this.framed || !docId || !document) {
      this.view = null;
      return;
    }
    this.#views += 1;
    const view = this.#views;
    try {
      const { html, sandboxUrl } = await this.transport.request<{ html: string; sandboxUrl: string }>(
        this.profile,
        'canvas.document.view',
        { docId },
      );
      if (view !== this.#views) return;
      const before = this.view?.docId === docId ? this.view : null;
      if (before?.content === html) return;
      const pushed = before && document.kind === 'a2ui' ? pushedSince(before.content, html) : null;
      if (before && pushed && this.push) {
        this.push(pushed);
        this.view = { ...before, content: html };
      } else {
        this.view = { docId, sessionKey: document.sessionKey, url: sandboxUrl, content: html };
      }
      this.problem = null;
    } catch (thrown) {
      if (view === this.#views) this.problem = asRequestError(thrown).message;
    }
  }

  /** A person did something on the document that is looked at. `false`: it was not passed on. */
  async act(name: string, data: unknown): Promise<boolean> {
    const { view } = this;
    // A document that says more at once than a person can do is not listened to.
    if (!view || this.#acting >= 3) return false;
    this.#acting += 1;
    try {
      const { docId, sessionKey } = view;
      await this.transport.request(this.profile, 'canvas.act', { docId, sessionKey, name, data, idempotencyKey: uuid() });
      this.problem = null;
      return true;
    } catch (thrown) {
      this.problem = asRequestError(thrown).message;
      return false;
    } finally {
      this.#acting -= 1;
    }
  }

  /** Shows it in a window of its own. */
  async show(docId: string): Promise<void> {
    await this.#ask('canvas.show', docId);
  }

  async remove(docId: string): Promise<void> {
    await this.#ask('canvas.document.remove', docId);
  }

  async #ask(method: string, docId: string): Promise<void> {
    try {
      await this.transport.request(this.profile, method, { docId });
      this.problem = null;
    } catch (thrown) {
      this.problem = asRequestError(thrown).message;
    }
  }

  #changed({ reason, docId, document }: Changed): void {
    if (!this.documents) return;
    if (reason === 'shown' || reason === 'hidden') {
      this.documents = this.documents.map((one) => (one.docId === docId ? { ...one, shown: reason === 'shown' } : one));
    } else if (document && reason === 'removed') {
      this.documents = this.documents.filter((one) => one.docId !== document.docId);
      if (this.opened === document.docId) void this.choose(this.documents[0]?.docId ?? '');
    } else if (document) {
      const { shown } = this.documents.find((one) => one.docId === document.docId) ?? {};
      this.documents = [{ ...document, shown: shown ?? false }, ...this.documents.filter((one) => one.docId !== document.docId)];
      this.opened ??= document.docId;
      if (this.opened === document.docId) void this.look();
    }
  }
}
