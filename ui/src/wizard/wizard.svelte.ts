/** The wizard's memory: answers, where we are, what was found, and the live checks. */
import { getContext, setContext } from 'svelte';
import type { Detection, Plan, PlanProfile } from '../bindings/commands';
import { asRequestError, type Desktop } from '../transport/types';
import { Check } from './check.svelte';
import { draftOf, fresh, PAGES, plan, planModel, planProfiles, freeName, nameFits, portsFit, readDraft, takenNames, resumePage, suggestPorts, type Answers, type Bot, type WizardPage } from './plan';

const KEY = Symbol('wizard');

export class Wizard {
  page = $state<WizardPage>('welcome');
  answers = $state<Answers>(fresh());
  detection = $state.raw<Detection | null>(null);
  detecting = $state(true);
  detectProblem = $state<string | null>(null);
  resumed = $state(false);
  loaded = $state(false);
  /** Once Create was pressed the answers are frozen. */
  created = $state(false);
  /** Everything that Create does has been done. */
  done = $state(false);

  readonly model: Check;
  readonly mainBot: Check;
  readonly rescueBot: Check;
  readonly keychain: Check;
  readonly isolation: Check;
  /** What an import would do. */
  readonly importing: Check;

  #saving: ReturnType<typeof setTimeout> | null = null;

  constructor(readonly desktop: Desktop) {
    this.model = new Check(desktop, ['model']);
    this.mainBot = new Check(desktop, ['telegram']);
    this.rescueBot = new Check(desktop, ['telegram']);
    this.keychain = new Check(desktop, ['keychain']);
    this.isolation = new Check(desktop, ['ports', 'isolation']);
    this.importing = new Check(desktop, ['ports']);
  }

  async start(): Promise<void> {
    void this.detect();
    try {
      const draft = readDraft(await this.desktop.loadDraft());
      if (draft && draft.page !== 'welcome') {
        this.answers = draft.answers;
        this.page = resumePage(draft);
        this.resumed = true;
      }
    } catch {
      // A draft is a convenience: without one we begin at the beginning.
    }
    this.loaded = true;
  }

  async detect(): Promise<void> {
    this.detecting = true;
    this.detectProblem = null;
    try {
      const { detection } = await this.desktop.setup({ action: 'detect', plan: null, checks: [] }, () => undefined);
      if (detection) this.#found(detection);
    } catch (thrown) {
      this.detectProblem = asRequestError(thrown).message;
    }
    this.detecting = false;
  }

  startOver(): void {
    this.answers = fresh();
    this.page = 'welcome';
    this.resumed = false;
    for (const check of [this.model, this.mainBot, this.rescueBot, this.keychain, this.isolation, this.importing]) check.reset();
    if (this.detection) this.#found(this.detection);
    void this.desktop.saveDraft(null).catch(() => undefined);
  }

  /** The page before or after this one, leaving out what the answers make pointless. */
  next(): WizardPage | null {
    return this.#along(1);
  }

  back(): WizardPage | null {
    return this.page === 'running' ? null : this.#along(-1);
  }

  go(page: WizardPage | null): void {
    if (page) this.page = page;
    this.save();
  }

  /** Is everything on this page settled, so that Next may be pressed? */
  get settled(): boolean {
    const { answers } = this;
    switch (this.page) {
      case 'model':
        return answers.model.choice === 'skip' || (this.model.passed && this.model.of === this.modelOf);
      case 'main':
        if (answers.main.origin === 'import') return this.importing.passed && this.importing.of === answers.main.from;
        return answers.main.origin === 'new' ? nameFits(answers.main.name, this.detection) : answers.main.from !== null;
      case 'main-bot':
        return this.#botSettled(answers.main.bot, this.mainBot, this.mainBotOf);
      case 'rescue':
        // With an OpenClaw as main, the one that watches it is all there is to make.
        return portsFit(answers, this.detection) && (answers.rescue.use || answers.main.origin !== 'attach');
      case 'rescue-bot':
        return this.#botSettled(answers.rescue.bot, this.rescueBot, this.rescueBotOf);
      case 'credentials':
        return this.keychain.passed && this.keychain.of === answers.secrets;
      case 'review':
        return this.isolation.passed;
      default:
        return true;
    }
  }

  get modelOf(): string {
    return JSON.stringify([planModel(this.answers), this.proxy]);
  }
  get mainBotOf(): string {
    return JSON.stringify([this.answers.main.bot, this.proxy]);
  }
  get rescueBotOf(): string {
    return JSON.stringify([this.answers.rescue.bot, this.answers.main.bot.token, this.proxy]);
  }
  get proxy(): string | null {
    return this.answers.proxy.use ? this.answers.proxy.url.trim() : null;
  }

  checkModel(): Promise<boolean> {
    const [main] = planProfiles(this.answers);
    const profiles: PlanProfile[] = main && this.proxy ? [{ ...main, telegram: null }] : [];
    return this.model.run({ ...alone(plan(this.answers)), profiles }, this.modelOf);
  }

  /** Verifies one bot. Rescue's plan carries main's bot too, so that one bot twice is refused. */
  checkBot(which: 'main' | 'rescue'): Promise<boolean> {
    const profiles = planProfiles(this.answers).filter(({ name }) => which === 'rescue' || name === this.answers.main.name);
    const body = { ...alone(plan(this.answers)), model: null, profiles };
    const { name } = this.answers[which];
    return which === 'main' ? this.mainBot.run(body, this.mainBotOf, name) : this.rescueBot.run(body, this.rescueBotOf, name);
  }

  /** Reads what would be imported; nothing is written. */
  lookAtImport(): Promise<boolean> {
    const [main] = planProfiles(this.answers);
    return this.importing.run({ ...plan(this.answers), model: null, profiles: main ? [{ ...main, port: null }] : [] }, this.answers.main.from ?? '');
  }

  checkKeychain(): Promise<boolean> {
    return this.keychain.run(alone(plan(this.answers)), this.answers.secrets);
  }

  checkIsolation(): Promise<boolean> {
    return this.isolation.run(plan(this.answers), JSON.stringify(plan(this.answers).profiles.map(({ name, port }) => [name, port])));
  }

  save(): void {
    if (this.created) return;
    if (this.#saving) clearTimeout(this.#saving);
    this.#saving = setTimeout(() => {
      void this.desktop.saveDraft(draftOf(this.page, $state.snapshot(this.answers) as Answers)).catch(() => undefined);
    }, 200);
  }

  /** Everything stands: the draft has done its work. */
  finish(): void {
    if (this.#saving) clearTimeout(this.#saving);
    void this.desktop.saveDraft(null).catch(() => undefined);
  }

  #botSettled(bot: Bot, check: Check, of: string): boolean {
    return bot.use === false || (bot.use === true && check.passed && check.of === of);
  }

  #along(direction: 1 | -1): WizardPage | null {
    let at = PAGES.indexOf(this.page) + direction;
    while (at >= 0 && at < PAGES.length) {
      const page = PAGES[at]!;
      const pointless =
        (page === 'main-bot' && this.answers.main.origin !== 'new') || (page === 'rescue-bot' && !this.answers.rescue.use);
      if (!pointless) return page;
      at += direction;
    }
    return null;
  }

  #found(detection: Detection): void {
    this.detection = detection;
    // What is there stays as it is: another one gets another name, and one rescue watches enough.
    const { main: mine, rescue: other } = this.answers;
    const taken = takenNames(detection);
    if (taken.includes(mine.name)) mine.name = freeName(mine.name === 'main' ? 'second' : mine.name, detection);
    if (taken.includes(other.name)) {
      other.use = false;
      other.name = freeName(other.name, detection);
    }
    const { main, rescue } = suggestPorts(this.answers, detection);
    this.answers.main.port = main;
    this.answers.rescue.port = rescue;
    // A rescue that ends with the app is silent when it is needed: where services work, one is suggested.
    const services = detection.services?.available ?? false;
    this.answers.rescue.service = services && (this.answers.rescue.service ?? true);
    if (detection.proxy.https && !this.answers.proxy.use) {
      this.answers.proxy = { use: true, url: detection.proxy.https };
    }
  }
}

/** The plan without what it says of another program: nothing that is asked here depends on it. */
function alone({ secrets, model, profiles }: Plan): Plan {
  return { secrets, model, profiles };
}

export function provideWizard(wizard: Wizard): void {
  setContext(KEY, wizard);
}

export function useWizard(): Wizard {
  return getContext<Wizard>(KEY);
}
