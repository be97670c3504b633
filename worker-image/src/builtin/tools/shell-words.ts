/** One simple command of a shell line, as far as its words show without running it. */
export interface SimpleCommand {
  /** Without quotes and redirections; what a variable or a substitution would give is left as it is written. */
  readonly words: readonly string[];
  /** What stands before and after it: `|`, `&`, `;`, `&&`, `||`, `(`, `)`, a line end; empty at both ends of the line. */
  readonly before: string;
  readonly after: string;
  /** Its standard input is a file or a text. */
  readonly readsInput: boolean;
}

export interface ShellText {
  /** In their order. */
  readonly commands: readonly SimpleCommand[];
  /** What the text ends with; empty where it ends with a command. */
  readonly lastOperator: string;
}

const operators = ['&&', '||', '|&', ';;', '\n', ';', '|', '&', '(', ')'];
const redirections = ['<<<', '<<-', '<<', '<&', '<', '&>>', '&>', '>>', '>|', '>&', '>'];

/** Reads shell text far enough to tell which programs it would start. It is no shell: what it cannot tell it leaves as words. */
class ShellReader {
  readonly #text: string;
  readonly #commands: SimpleCommand[] = [];
  #position = 0;
  #words: string[] = [];
  #before = '';
  #readsInput = false;
  /** Ends of the texts that begin on the next line. */
  #awaited: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(): ShellText {
    while (this.#position < this.#text.length) this.#step();
    const lastOperator = this.#words.length === 0 ? this.#before : '';
    this.#end('');
    return { commands: this.#commands, lastOperator };
  }

  #step(): void {
    const rest = this.#text.slice(this.#position, this.#position + 4);
    const redirection = this.#redirection(rest);
    if (redirection !== null) return this.#redirect(redirection);
    const operator = operators.find((candidate) => rest.startsWith(candidate));
    if (operator !== undefined) {
      this.#position += operator.length;
      this.#end(operator);
      if (operator === '\n') this.#skipTexts();
    } else if (/^[ \t\r]|^\\\n/.test(rest)) this.#position += rest.startsWith('\\') ? 2 : 1;
    else if (rest.startsWith('#')) this.#position = this.#lineEnd();
    else this.#words.push(this.#word());
  }

  #redirection(rest: string): string | null {
    const digits = /^\d*/.exec(rest)?.[0] ?? '';
    const found = redirections.find((candidate) => rest.startsWith(candidate, digits.length));
    return found === undefined ? null : digits + found;
  }

  #redirect(written: string): void {
    this.#position += written.length;
    while (/[ \t]/.test(this.#text[this.#position] ?? '')) this.#position += 1;
    const target = this.#word();
    const kind = written.replace(/^\d+/, '');
    if (kind.startsWith('<')) this.#readsInput = true;
    if (kind === '<<' || kind === '<<-') this.#awaited.push(target);
  }

  #skipTexts(): void {
    for (const end of this.#awaited.splice(0)) {
      while (this.#position < this.#text.length) {
        const lineEnd = this.#lineEnd();
        const line = this.#text.slice(this.#position, lineEnd);
        this.#position = lineEnd + 1;
        if (line.replace(/^\t+/, '') === end) break;
      }
    }
  }

  #lineEnd(): number {
    const end = this.#text.indexOf('\n', this.#position);
    return end === -1 ? this.#text.length : end;
  }

  #word(): string {
    let word = '';
    for (let next = this.#text[this.#position]; next !== undefined; next = this.#text[this.#position]) {
      if (/[\s;|&()<>]/.test(next)) break;
      this.#position += 1;
      if (next === '\\') {
        word += this.#text[this.#position] ?? '';
        this.#position += 1;
      } else if (next === "'" || next === '"') word += this.#quoted(next);
      else word += next;
    }
    return word;
  }

  #quoted(quote: string): string {
    let word = '';
    for (let next = this.#text[this.#position]; next !== undefined; next = this.#text[this.#position]) {
      this.#position += 1;
      if (next === quote) break;
      if (next === '\\' && quote === '"') {
        word += this.#text[this.#position] ?? '';
        this.#position += 1;
      } else word += next;
    }
    return word;
  }

  #end(after: string): void {
    if (this.#words.length > 0) {
      const { before, readsInput } = { before: this.#before, readsInput: this.#readsInput };
      this.#commands.push({ words: this.#words, before, after, readsInput });
    }
    this.#words = [];
    this.#readsInput = false;
    this.#before = after;
  }
}

/** Reads a shell text. */
export function readShell(text: string): ShellText {
  return new ShellReader(text).read();
}
