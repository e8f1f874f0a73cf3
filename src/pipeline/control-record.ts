/**
 * The control channel of a consumer, a collector or a mirror server: structure, commands and messages of PvaPy
 * (systemController.py; pvapy-behaviour.md 5), and of our own `pause`, `resume` and `status`.
 *
 * A put is accepted at once (`Command successful`) and executed 0.1 s later; commands run one after another. The
 * final message says what came of it.
 */
import { SharedPV, struct, type TypeDef, Value } from 'epics-pva-ts';
import { timeNow, timeType } from './record-time.ts';

/** Those that are left out are unknown commands. */
export interface ControlCommands {
  /** `args` parsed as JSON, or the text itself if it is none. */
  configure?(args: unknown): void | Promise<void>;
  resetStats(): void;
  getStats(): void;
  /** Nothing more is received until `resume`; what is queued is worked off. */
  pause?(): void;
  resume?(): void;
  /** Writes the status channel; says in a line how it is. */
  status?(): string;
  stop(): void;
}

const EXEC_DELAY_MS = 100;
/** What does the work of each command. */
const HANDLERS = {
  configure: 'configure',
  reset_stats: 'resetStats',
  get_stats: 'getStats',
  stop: 'stop',
  pause: 'pause',
  resume: 'resume',
  status: 'status',
} as const satisfies Record<string, keyof ControlCommands>;
type CommandName = keyof typeof HANDLERS;
const NAMES = Object.keys(HANDLERS) as CommandName[];

const typeWith = (idFields: readonly string[]): TypeDef =>
  struct('', {
    ...Object.fromEntries(idFields.map((name) => [name, 'uint' as const])),
    objectTime: 'double',
    objectTimestamp: timeType,
    command: 'string',
    args: 'string',
    statusMessage: 'string',
  });

export class ControlRecord {
  readonly pv: SharedPV;
  private readonly commands: ControlCommands;
  private readonly type: TypeDef;
  private readonly names: readonly CommandName[];
  private last: Promise<void> = Promise.resolve();

  /** @param ids `consumerId` or `collectorId`; none of who has no id */
  constructor(ids: Readonly<Record<string, number>>, commands: ControlCommands) {
    this.commands = commands;
    this.names = NAMES.filter((name) => commands[HANDLERS[name]] !== undefined);
    this.type = typeWith(Object.keys(ids));
    this.pv = new SharedPV({ onPut: (_pv, value) => this.onPut(value) });
    this.pv.open(Value.create(this.type, ids));
  }

  private onPut(value: Value): void {
    const before = this.pv.fetch();
    const command = String(value.isMarked('command') ? value.get('command') : before.get('command'));
    const args = String(value.isMarked('args') ? value.get('args') : before.get('args'));
    const known = this.names.find((name) => name === command);
    this.say(
      known
        ? 'Command successful'
        : `Ignoring request: command '${command}' is not one of ${this.names.join(', ')}`,
      { command, args },
    );
    if (!known) return;
    const wait = new Promise<void>((resolve) => setTimeout(resolve, EXEC_DELAY_MS));
    this.last = Promise.all([this.last, wait]).then(() => this.execute(known, args));
  }

  private async execute(command: CommandName, args: string): Promise<void> {
    try {
      this.say(await this.run(command, args));
    } catch (error) {
      const what = command === 'configure' ? 'Configuration' : `Command ${command}`;
      this.say(`${what} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private async run(command: CommandName, args: string): Promise<string> {
    switch (command) {
      case 'configure':
        await this.commands.configure?.(parsed(args));
        return 'Configuration successful';
      case 'reset_stats':
        this.commands.resetStats();
        return 'Stats reset successful';
      case 'get_stats':
        this.commands.getStats();
        return 'Stats update successful';
      case 'stop':
        this.commands.stop();
        return 'Stop flag set';
      case 'pause':
        this.commands.pause?.();
        return 'Pause successful';
      case 'resume':
        this.commands.resume?.();
        return 'Resume successful';
      case 'status':
        return this.commands.status?.() ?? '';
    }
  }

  /** One update for all fields, so that a monitor never sees half a command. */
  private say(statusMessage: string, request: Record<string, unknown> = {}): void {
    const { seconds, time } = timeNow();
    this.pv.post(
      Value.create(this.type, { objectTime: seconds, objectTimestamp: time, ...request, statusMessage }),
    );
  }
}

function parsed(args: string): unknown {
  try {
    return JSON.parse(args);
  } catch {
    return args;
  }
}
