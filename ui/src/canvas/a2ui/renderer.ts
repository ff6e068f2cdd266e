/** Draws the surfaces of one document, with the published A2UI renderer, and tells its host what a person does on them. */
import { A2uiSurface, basicCatalog } from '@a2ui/lit/v0_9';
import { MessageProcessor } from '@a2ui/web_core/v0_9';
import style from './surfaces.css?inline';

type Message = Parameters<MessageProcessor<never>['processMessages']>[0] extends infer All
  ? All extends readonly (infer One)[] ? One : never
  : never;

interface Host {
  /** What was pushed before the page was made. */
  bulkheadMessages?: Message[];
  /** The way out of the document; stands in every page. */
  bulkhead?: { send(name: string, data?: unknown): void };
  /** Takes what is pushed while the page is open. */
  bulkheadPush?: (messages: Message[]) => void;
}

const host = globalThis as unknown as Host;
const place = document.getElementById('surfaces') ?? document.body;
const sheet = document.createElement('style');
sheet.textContent = style;
document.head.append(sheet);

const processor = new MessageProcessor([basicCatalog], ({ name, surfaceId, sourceComponentId, context }) => {
  host.bulkhead?.send(name, { surfaceId, sourceComponentId, context });
});

processor.onSurfaceCreated((surface) => {
  const element = document.createElement('a2ui-surface') as InstanceType<typeof A2uiSurface>;
  element.surface = surface;
  element.dataset['surface'] = surface.id;
  place.append(element);
});
processor.onSurfaceDeleted((id) => {
  for (const element of place.querySelectorAll<HTMLElement>('a2ui-surface')) {
    if (element.dataset['surface'] === id) element.remove();
  }
});

/** One that is wrong does not take the others with it; what is wrong is said where the person and a snapshot see it. */
function take(messages: readonly Message[]): void {
  for (const message of messages) {
    try {
      processor.processMessages([message]);
    } catch (thrown) {
      const said = document.createElement('p');
      said.className = 'problem';
      said.setAttribute('role', 'alert');
      said.textContent = `A2UI: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
      place.append(said);
    }
  }
}

host.bulkheadPush = take;
addEventListener('message', ({ source, data }) => {
  if (source !== parent || parent === window || typeof data !== 'object' || data?.bulkhead !== 'canvas') return;
  if (data.type === 'a2ui' && Array.isArray(data.messages)) take(data.messages as Message[]);
});
take(host.bulkheadMessages ?? []);
