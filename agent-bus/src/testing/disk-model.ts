import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { bytesOf, textOf, type SystemCall } from './system-calls.ts';

/** Writes reach the disk, or not, in pieces of this size. Bytes. */
const sector = 512;

/** A write or a truncation that no fsync has covered yet. */
type Change = { readonly offset: number; readonly bytes: Buffer } | { readonly length: number };

interface FileNode {
  readonly kind: 'file';
  /** What is safe on the disk. */
  durable: Buffer;
  pending: Change[];
  /** Length with all that is pending. */
  length: number;
}
interface FolderNode {
  readonly kind: 'folder';
}
type Node = FileNode | FolderNode;

interface Descriptor {
  readonly path: string;
  readonly node: Node;
  readonly append: boolean;
  position: number;
}

/** Which of what no fsync has covered is on the disk after all. */
export type Luck = () => boolean;

/**
 * What a disk holds when the power is cut at a moment of a traced program: of files what was fsynced, of names what the fsync of their
 * folder covered; of the rest what `Luck` leaves, sector by sector. Memory that is mapped is not followed: leave such files out.
 */
export class DiskModel {
  readonly #root: string;
  readonly #leaveOut: RegExp;
  readonly #names = new Map<string, Node>();
  #durableNames = new Map<string, Node>();
  readonly #descriptors = new Map<string, Descriptor>();
  /** Per thread: how many changes the fsync that it is in will cover. */
  readonly #syncing = new Map<string, number>();

  /** Follows what lies in `root`, an empty folder that is there; files that match `leaveOut` are not looked at. */
  constructor(root: string, leaveOut: RegExp) {
    this.#root = root;
    this.#leaveOut = leaveOut;
    this.#names.set(root, { kind: 'folder' });
    this.#durableNames.set(root, { kind: 'folder' });
  }

  /** Takes in the next call. */
  apply(call: SystemCall): void {
    if (call.phase === 'begun') {
      this.#begin(call);
      return;
    }
    if (call.result < 0) {
      this.#syncing.delete(call.thread);
      return;
    }
    const [first = '', second = '', third = '', fourth = ''] = call.parameters;
    switch (call.name) {
      case 'openat':
        this.#open(String(call.result), textOf(second), third);
        break;
      case 'close':
        this.#descriptors.delete(first);
        break;
      case 'mkdir':
      case 'mkdirat':
        this.#name(textOf(call.name === 'mkdir' ? first : second), { kind: 'folder' });
        break;
      case 'rename':
        this.#rename(textOf(first), textOf(second));
        break;
      case 'renameat':
      case 'renameat2':
        this.#rename(textOf(second), textOf(fourth));
        break;
      case 'unlink':
      case 'unlinkat':
        this.#names.delete(textOf(call.name === 'unlink' ? first : second));
        break;
      default:
        this.#change(call);
    }
  }

  /** Writes what the disk would hold into the folder `target`. */
  writeImage(target: string, luck: Luck): void {
    mkdirSync(target, { recursive: true });
    for (const [path, node] of this.#survivingNames(luck)) {
      const place = join(target, relative(this.#root, path));
      if (node.kind === 'folder') mkdirSync(place, { recursive: true, mode: 0o700 });
      else writeFileSync(place, contentOf(node, luck), { mode: 0o600 });
    }
  }

  #survivingNames(luck: Luck): ReadonlyMap<string, Node> {
    const names = new Map(this.#durableNames);
    for (const [path, node] of this.#names) if (!names.has(path) && luck()) names.set(path, node);
    for (const [path] of this.#durableNames) if (!this.#names.has(path) && luck()) names.delete(path);
    const reachable = (path: string): boolean =>
      path === this.#root || (names.has(dirname(path)) && reachable(dirname(path)));
    return new Map(
      [...names].filter(([path]) => reachable(path)).toSorted(([left], [right]) => (left < right ? -1 : 1)),
    );
  }

  #follows(path: string): boolean {
    return path.startsWith(`${this.#root}/`) && !this.#leaveOut.test(path);
  }

  #name(path: string, node: Node): void {
    if (this.#follows(path)) this.#names.set(path, node);
  }

  #open(descriptor: string, path: string, flags: string): void {
    this.#descriptors.delete(descriptor);
    if (path !== this.#root && !this.#follows(path)) return;
    const node = this.#names.get(path) ?? { kind: 'file', durable: Buffer.alloc(0), pending: [], length: 0 };
    if (!this.#names.has(path)) this.#names.set(path, node);
    if (flags.includes('O_TRUNC') && node.kind === 'file' && node.length > 0) truncate(node, 0);
    this.#descriptors.set(descriptor, { path, node, append: flags.includes('O_APPEND'), position: 0 });
  }

  #rename(from: string, to: string): void {
    const node = this.#names.get(from);
    if (node?.kind === 'folder') throw new Error(`renaming a folder is not modelled: ${from}`);
    this.#names.delete(from);
    if (node !== undefined) this.#name(to, node);
  }

  /** An fsync covers what was written before it began. */
  #begin({ name, thread, parameters }: SystemCall): void {
    const opened = this.#descriptors.get(parameters[0] ?? '');
    if ((name === 'fsync' || name === 'fdatasync') && opened?.node.kind === 'file')
      this.#syncing.set(thread, opened.node.pending.length);
  }

  #change({ name, thread, parameters, result }: SystemCall): void {
    const opened = this.#descriptors.get(parameters[0] ?? '');
    if (opened === undefined) return;
    const { node, path } = opened;
    if (name === 'fsync' || name === 'fdatasync') {
      if (node.kind === 'folder') this.#syncFolder(path);
      else syncFile(node, this.#syncing.get(thread) ?? node.pending.length);
      this.#syncing.delete(thread);
      return;
    }
    if (node.kind === 'folder') throw new Error(`${name} on the folder ${path}`);
    switch (name) {
      case 'write':
      case 'writev': {
        const offset = opened.append ? node.length : opened.position;
        write(node, offset, bytesOf(parameters.slice(1)).subarray(0, result));
        opened.position = offset + result;
        break;
      }
      case 'pwrite64':
      case 'pwritev':
        write(node, Number(parameters.at(-1)), bytesOf(parameters.slice(1, -1)).subarray(0, result));
        break;
      case 'ftruncate':
        truncate(node, Number(parameters[1]));
        break;
      default:
        throw new Error(`${name} is not modelled: ${path}`);
    }
  }

  #syncFolder(folder: string): void {
    const elsewhere = [...this.#durableNames].filter(([path]) => dirname(path) !== folder);
    const here = [...this.#names].filter(([path]) => dirname(path) === folder);
    this.#durableNames = new Map([...elsewhere, ...here]);
  }
}

function write(node: FileNode, offset: number, bytes: Buffer): void {
  for (let start = 0; start < bytes.length;) {
    const end = Math.min(bytes.length, start + sector - ((offset + start) % sector));
    node.pending.push({ offset: offset + start, bytes: bytes.subarray(start, end) });
    start = end;
  }
  node.length = Math.max(node.length, offset + bytes.length);
}

function truncate(node: FileNode, length: number): void {
  node.pending.push({ length });
  node.length = length;
}

function syncFile(node: FileNode, count: number): void {
  node.durable = applied(node.durable, node.pending.slice(0, count));
  node.pending = node.pending.slice(count);
}

function contentOf(node: FileNode, luck: Luck): Buffer {
  return applied(
    node.durable,
    node.pending.filter(() => luck()),
  );
}

function applied(content: Buffer, changes: readonly Change[]): Buffer {
  if (changes.length === 0) return content;
  const most = changes.reduce(
    (length, change) => Math.max(length, 'length' in change ? change.length : change.offset + change.bytes.length),
    content.length,
  );
  const bytes = Buffer.alloc(most);
  content.copy(bytes);
  let length = content.length;
  for (const change of changes) {
    if ('length' in change) {
      bytes.fill(0, change.length);
      length = change.length;
    } else {
      change.bytes.copy(bytes, change.offset);
      length = Math.max(length, change.offset + change.bytes.length);
    }
  }
  return bytes.subarray(0, length);
}
