/** A terminal as far as live views use one: what is on its two screens after everything that was written to it. */

type Screen = string[];

export class TestTerminal {
  columns: number;
  rows: number;
  private main: Screen = [];
  private alternate: Screen | undefined;
  private row = 0;
  private column = 0;
  private rest = '';
  /** Modes in force: `?7` wrapping, `?25` cursor. */
  readonly modes = new Set(['?7', '?25']);

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  /** Is the alternate screen shown? */
  get full(): boolean {
    return this.alternate !== undefined;
  }

  /** The lines on the screen shown, without empty ones at the end. */
  get lines(): string[] {
    const screen = this.alternate?.slice(0, this.rows) ?? this.main;
    const lines = [...screen].map((line) => (line ?? '').trimEnd());
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }

  write(text: string): void {
    this.rest += text;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are commanded by them
    const token = /^(?:\x1b\[(\??[\d;]*)([A-Za-z])|\r?\n|\r|[^\x1b\r\n]+)/;
    for (let found = token.exec(this.rest); found; found = token.exec(this.rest)) {
      this.rest = this.rest.slice(found[0].length);
      const [all, argument = '', command] = found;
      if (command !== undefined) this.command(argument, command);
      else if (all.endsWith('\n')) this.lineFeed();
      else if (all === '\r') this.column = 0;
      else this.print(all);
    }
  }

  private command(argument: string, command: string): void {
    const screen = this.alternate ?? this.main;
    const code = argument + command;
    if (code === '?1049h') this.alternate = [];
    else if (code === '?1049l') {
      this.alternate = undefined;
      this.row = this.main.length;
      this.column = 0;
    } else if (command === 'h') this.modes.add(argument);
    else if (command === 'l') this.modes.delete(argument);
    else if (command === 'H') [this.row, this.column] = position(argument);
    else if (command === 'A') this.row = Math.max(0, this.row - Number(argument || 1));
    else if (command === 'B') this.row += Number(argument || 1);
    else if (code === 'G') this.column = 0;
    else if (code === 'K') screen[this.row] = (screen[this.row] ?? '').slice(0, this.column);
    else if (code === '2J') screen.length = 0;
    else if (code === '2K') screen[this.row] = '';
    else throw new Error(`unknown to this terminal: ${JSON.stringify(code)}`);
  }

  private lineFeed(): void {
    const screen = this.alternate ?? this.main;
    screen[this.row] ??= '';
    this.row++;
    this.column = 0;
  }

  private print(text: string): void {
    const screen = this.alternate ?? this.main;
    const line = (screen[this.row] ?? '').padEnd(this.column);
    screen[this.row] = line.slice(0, this.column) + text + line.slice(this.column + text.length);
    this.column += text.length;
    if (!this.full) return;
    if (this.column > this.columns) throw new Error(`more than ${this.columns} columns: ${text}`);
    if (this.row >= this.rows) throw new Error(`more than ${this.rows} rows: ${text}`);
  }
}

function position(argument: string): [number, number] {
  const [row = 1, column = 1] = argument === '' ? [] : argument.split(';').map(Number);
  return [row - 1, column - 1];
}
