/** One system call of a trace made with `straceArguments`. */
export interface SystemCall {
  readonly thread: string;
  readonly name: string;
  /** `begun`: seen only for calls that another thread interrupts in the trace; it has no result yet. */
  readonly phase: 'begun' | 'done';
  /** As strace writes them, strings in hexadecimal digits. */
  readonly parameters: readonly string[];
  /** -1 for a call that failed. */
  readonly result: number;
}

/** Calls that change files or names, and those without which descriptors could not be followed. */
const traced =
  'openat,close,write,pwrite64,writev,pwritev,pwritev2,ftruncate,fallocate,copy_file_range,sendfile,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,link,linkat';

/** Up to how many bytes of what is written are seen. */
const longestWrite = 1024 * 1024;

/** Runs a program so that `parseSystemCalls` reads what it did to its files; `file` gets the trace. */
export function straceArguments(file: string): readonly [string, ...string[]] {
  return ['strace', '-f', '-xx', '-s', String(longestWrite), '-o', file, '-e', `trace=${traced}`];
}

const begun = /^(\d+) +(\w+)\((.*?),? *<unfinished \.\.\.>$/s;
const resumed = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += +(-?\d+)/s;
const whole = /^(\d+) +(\w+)\((.*)\) += +(-?\d+)/s;

/** Reads a trace; lines that are no calls (signals, exits) are left out. */
export function* parseSystemCalls(lines: Iterable<string>): Generator<SystemCall> {
  const open = new Map<string, string>();
  for (const line of lines) {
    const start = begun.exec(line);
    if (start !== null) {
      const [, thread = '', name = '', text = ''] = start;
      open.set(thread, text);
      yield { thread, name, phase: 'begun', parameters: splitParameters(text), result: 0 };
      continue;
    }
    const end = resumed.exec(line);
    const match = end ?? whole.exec(line);
    if (match === null) continue;
    const [, thread = '', name = '', text = '', result = '-1'] = match;
    const before = end === null ? '' : (open.get(thread) ?? '');
    const parameters = splitParameters([before, text].filter((part) => part !== '').join(','));
    yield { thread, name, phase: 'done', parameters, result: Number(result) };
  }
}

/** No string holds a comma: all of them are in hexadecimal digits. */
function splitParameters(text: string): readonly string[] {
  return text.split(',').map((parameter) => parameter.trim());
}

/** The bytes of a parameter, or of several that are parts of one write. Throws where the trace has cut them short. */
export function bytesOf(parameters: readonly string[]): Buffer {
  const text = parameters.join(',');
  if (text.includes('"...')) throw new Error(`a write of more than ${longestWrite} bytes`);
  const parts = Array.from(text.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g), ([, hex = '']) =>
    Buffer.from(hex.replaceAll('\\x', ''), 'hex'),
  );
  return Buffer.concat(parts);
}

export function textOf(parameter: string | undefined): string {
  return bytesOf([parameter ?? '']).toString();
}
