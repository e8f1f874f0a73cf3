/**
 * Screen: the terminal's alternate screen, on which lines are drawn and drawn over, and nothing else. Only lines that
 * have changed are written. Codes are those of ECMA-48 and xterm, which every terminal in use understands.
 */
import type { Size } from './layout.ts';

/** Alternate screen, no wrapping at the right edge, no cursor, empty. */
const ENTER = '\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[H\x1b[2J';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';

export class Screen {
  private readonly write: (text: string) => void;
  private drawn: readonly string[] = [];
  private size: Size | undefined;
  private entered = false;

  /** @param write to the terminal, synchronously if this screen is to be left when the process ends */
  constructor(write: (text: string) => void) {
    this.write = write;
  }

  /** What was on the terminal is there again after `leave`. */
  enter(): void {
    if (this.entered) return;
    this.entered = true;
    this.invalidate();
    this.write(ENTER);
  }

  leave(): void {
    if (!this.entered) return;
    this.entered = false;
    this.write(LEAVE);
  }

  /** The next drawing draws everything: somebody else may have written onto the terminal. */
  invalidate(): void {
    this.size = undefined;
  }

  /** Draws lines that fit into the size (see layout.ts); before `enter` and after `leave` nothing. */
  draw(lines: readonly string[], size: Size): void {
    if (!this.entered) return;
    const whole = this.size?.columns !== size.columns || this.size.rows !== size.rows;
    let text = '';
    for (let row = 0; row < (whole ? size.rows : Math.max(lines.length, this.drawn.length)); row++) {
      const line = lines[row] ?? '';
      // Erased before, not after: behind the last column the cursor stays on it.
      if (whole || line !== (this.drawn[row] ?? '')) text += `\x1b[${row + 1};1H\x1b[2K${line}`;
    }
    this.drawn = lines;
    this.size = size;
    if (text !== '') this.write(text);
  }
}
