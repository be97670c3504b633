import { readFileSync, realpathSync, statfsSync } from 'node:fs';

/** Superblock numbers of network file systems (statfs(2); linux/magic.h). */
const networkTypes: ReadonlyMap<number, string> = new Map([
  [0x6969, 'nfs'],
  [0x517b, 'smb'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x01021997, '9p'],
  [0x00c36400, 'ceph'],
  [0x5346414f, 'afs'],
  [0x6b414653, 'afs'],
  [0x0bd00bd0, 'lustre'],
  [0x73757245, 'coda'],
  [0x564c, 'ncp'],
  [0x47504653, 'gpfs'],
]);
const fuse = 0x65735546;
const networkFuse = new Set([
  'sshfs',
  'glusterfs',
  's3fs',
  'rclone',
  'gcsfuse',
  'goofys',
  'juicefs',
  'ceph',
  'cephfs',
  'davfs',
  'curlftpfs',
  'blobfuse2',
]);

/** The kind of FUSE file system that holds `folder`, from the mount table; empty where it cannot be told. */
export function fuseKind(mountTable: string, folder: string): string {
  let best = { point: '', kind: '' };
  for (const line of mountTable.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const point = (left.split(' ')[4] ?? '').replaceAll('\\040', ' ');
    const inside = point === '/' || folder === point || folder.startsWith(`${point}/`);
    if (inside && point.length >= best.point.length) best = { point, kind: /^fuse\.(\S+)/.exec(right)?.[1] ?? '' };
  }
  return best.kind;
}

/** The name of the network file system of superblock number `type`, or null for a local one. */
export function networkFileSystem(type: number, kindOfFuse: () => string): string | null {
  // The kernel gives the number as a signed long on some platforms.
  const magic = Number(BigInt.asUintN(32, BigInt(type)));
  if (magic !== fuse) return networkTypes.get(magic) ?? null;
  const kind = kindOfFuse();
  return networkFuse.has(kind) ? kind : null;
}

/** The name of the network file system that holds the existing `folder`, or null where it is local. */
export function networkFileSystemOf(folder: string): string | null {
  return networkFileSystem(statfsSync(folder).type, () => {
    try {
      return fuseKind(readFileSync('/proc/self/mountinfo', 'utf8'), realpathSync(folder));
    } catch {
      return '';
    }
  });
}
