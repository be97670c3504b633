import ipaddr from 'ipaddr.js';

/** Within the public ranges, and yet a cloud's own service for its machines. */
const services: ReadonlySet<string> = new Set(['168.63.129.16']);
/** All that is given to the public network (IANA): what lies outside is none of it, whatever a table has forgotten. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether an address belongs to the public network, and to nothing that leads elsewhere: not private, loopback, link-local (cloud
 * metadata), shared (CGNAT), multicast, unspecified, documentation, nor a v6 form that carries a v4 address (mapped, NAT64, 6to4, Teredo).
 * Takes what a resolver gives; anything but a plain address in its usual spelling is not public.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return false;
  // A zone names an interface of this machine.
  if (text.includes('%')) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast' || services.has(address.toString())) return false;
  return address instanceof ipaddr.IPv4 || address.match(globalUnicast);
}
