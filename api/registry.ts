import type { Caller, Command } from './command.js';
import { SERVICE_COMMANDS } from './service-commands.js';

/** The commands that exist in this process, by exact name. */
export class Registry {
  readonly #commands: ReadonlyMap<string, Command>;
  readonly #byObject = new Map<unknown, string[]>();
  constructor(
    commands: readonly Command[],
    readonly kubernetesEnabled = true,
  ) {
    const present = commands.filter((each) => kubernetesEnabled || !each.kubernetes);
    this.#commands = new Map(present.map((each) => [each.name, each]));
    if (this.#commands.size !== present.length) throw new Error('two commands have the same name');
    for (const { name, response } of present) {
      if (response === 'success') continue;
      this.#byObject.set(response.key, [...(this.#byObject.get(response.key) ?? []), name]);
    }
  }
  find(name: string | undefined): Command | undefined {
    return name === undefined ? undefined : this.#commands.get(name);
  }
  all(): Command[] {
    return [...this.#commands.values()];
  }
  allowed(caller: Pick<Caller, 'role' | 'scope'>): Command[] {
    return this.all().filter((each) => mayCall(each, caller));
  }
  /** Names of the commands that answer with this object. */
  answering(key: string): readonly string[] {
    return this.#byObject.get(key) ?? [];
  }
}

/** Scoped users are held to the list of their scope; for them every other command does not exist. */
export const mayCall = (command: Command, { role, scope }: Pick<Caller, 'role' | 'scope'>): boolean =>
  (scope === undefined || SERVICE_COMMANDS.has(command.name)) && (role === 'A' || command.roles.includes(role));
