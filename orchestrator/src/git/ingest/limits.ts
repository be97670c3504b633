import type { ResourceLimits } from '../runner.ts';

/** What a worker's result may cost. All sizes in bytes. */
export interface IngestLimits {
  readonly bundleBytes: number;
  /** Objects the bundle's pack may hold. */
  readonly objects: number;
  /** Largest single object once inflated. */
  readonly objectBytes: number;
  /** All objects together once inflated. */
  readonly totalBytes: number;
  /** Bytes of the listing of the whole tree. */
  readonly treeListingBytes: number;
  readonly changedPaths: number;
}

const mebibyte = 1024 * 1024;

export const defaultIngestLimits: IngestLimits = {
  bundleBytes: 256 * mebibyte,
  objects: 100_000,
  objectBytes: 64 * mebibyte,
  totalBytes: 1024 * mebibyte,
  treeListingBytes: 128 * mebibyte,
  changedPaths: 20_000,
};

/** Kernel limits of the one git process that inflates a worker's bytes. */
export function inflationLimits(limits: IngestLimits): ResourceLimits {
  return { addressSpace: 2048 * mebibyte, fileSize: 2 * limits.bundleBytes + 64 * mebibyte, cpuSeconds: 120 };
}
