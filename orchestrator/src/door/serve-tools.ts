import type { ServiceRequest } from './serve-attempt.ts';

export async function serveTools(_request: ServiceRequest): Promise<boolean> {
  return false;
}
