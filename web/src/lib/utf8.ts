/**
 * The index in a text at which a byte offset of its UTF-8 form falls: the server counts bytes, the browser UTF-16
 * units. Offsets inside a character give its start, offsets beyond the end the end.
 */
export function indexOfByte(text: string, offset: number): number {
  let bytes = 0
  let index = 0
  for (const char of text) {
    const code = char.codePointAt(0)!
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
    if (bytes > offset) return index
    index += char.length
  }
  return index
}
