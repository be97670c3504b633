/** Bytes of a command's output that its report carries. */
export const tailBytes = 8192;

/** Keeps the last bytes of what is written to it, in bounded memory. */
export class OutputTail {
  #chunks: Buffer[] = [];
  #length = 0;

  write(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length > 4 * tailBytes) this.#shrink();
  }

  /** The tail as text of at most 8 KiB; what is not UTF-8 is replaced. */
  text(): string {
    this.#shrink();
    const text = Buffer.concat(this.#chunks)
      .toString('utf8')
      .replace(/^\uFFFD{1,3}/, '');
    const encoded = Buffer.from(text);
    if (encoded.length <= tailBytes) return text;
    // Each byte that is not UTF-8 grows to three: keep whole characters that fit.
    let start = encoded.length - tailBytes;
    while (start < encoded.length && ((encoded[start] ?? 0) & 0xc0) === 0x80) start += 1;
    return encoded.subarray(start).toString('utf8');
  }

  #shrink(): void {
    const all = Buffer.concat(this.#chunks);
    const kept = all.subarray(Math.max(0, all.length - tailBytes));
    this.#chunks = [Buffer.from(kept)];
    this.#length = kept.length;
  }
}
