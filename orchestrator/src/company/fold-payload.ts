import { parsePayload, type Envelope, type PayloadOf } from '@agentcompany/protocol';

/** Runs `use` on a valid payload; an invalid one is refused (false). */
export function withPayload<Type extends Parameters<typeof parsePayload>[0]>(
  type: Type,
  envelope: Envelope,
  use: (payload: PayloadOf<Type>) => boolean,
): boolean {
  const payload = parsePayload(type, envelope.payload);
  return payload.ok && use(payload.value);
}
